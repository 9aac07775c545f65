# An ordinary dockerfile and yours to edit: `docker build .` in this folder gives this environment.

ARG BASE=debian:12
FROM ${BASE}

# Whose environment it is: build arguments give another name and other ids.
ARG USER=me
ARG UID=1000
ARG GID=100

# Caches and secrets (pip.conf, uv.toml, netrc, ca.pem: all optional) never reach a layer.
USER root
RUN --mount=type=bind,source=requirements.txt,target=/run/requirements.txt \
    --mount=type=cache,id=pydock,target=/var/cache/pydock --mount=type=tmpfs,target=/tmp \
    --mount=type=secret,id=pip.conf \
    --mount=type=secret,id=uv.toml \
    --mount=type=secret,id=netrc \
    --mount=type=secret,id=ca.pem \
    set -eu; \
    # The first line that fits wins every look-up, so an id or a name that the base image has already is no
    # obstacle; and this way needs no useradd, adduser or sudo, which images have or lack as they like.
    home=/home/${USER}; mkdir -p "$home"; chown "$UID:$GID" "$home"; \
    { echo "${USER}:x:${UID}:${GID}::$home:/bin/sh"; cat /etc/passwd; } > /tmp/passwd; \
    cat /tmp/passwd > /etc/passwd; \
    if ! cut -d: -f3 /etc/group | grep -qx "$GID"; then \
        { echo "${USER}:x:${GID}:"; cat /etc/group; } > /tmp/group; \
        cat /tmp/group > /etc/group; \
    fi; \
    # What is installed.
    if ! grep -q '^ *[^# ]' /run/requirements.txt; then exit 0; fi; \
    cache=/var/cache/pydock; secrets=/run/secrets; \
    export PIP_CONFIG_FILE=$secrets/pip.conf NETRC=$secrets/netrc; \
    if [ -f $secrets/uv.toml ]; then export UV_CONFIG_FILE=$secrets/uv.toml; fi; \
    if [ -f $secrets/ca.pem ]; then \
        export SSL_CERT_FILE=$secrets/ca.pem PIP_CERT=$secrets/ca.pem GIT_SSL_CAINFO=$secrets/ca.pem; \
    fi; \
    export PIP_CACHE_DIR=$cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore; \
    export PIP_BREAK_SYSTEM_PACKAGES=1; \
    # uv lives in the cache, not in the image; pip does the work before Python 3.8 and where there is no uv.
    export UV_CACHE_DIR=$cache/uv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1; \
    export UV_BREAK_SYSTEM_PACKAGES=1 UV_SYSTEM_PYTHON=1 UV_PYTHON_DOWNLOADS=never; \
    tool=$cache/tools/$(uname -m)$(if ls /lib/ld-musl-* >/dev/null 2>&1; then echo -musl; fi); uv=; \
    case $(python3 -V) in "Python 3."[0-7].*) ;; *) \
        if [ ! -x "$tool/bin/uv" ]; then \
            mkdir -p "${tool%/*}"; new=$(mktemp -d $cache/new.XXXXXX); \
            python3 -m pip install --quiet --target "$new" uv && mv "$new" "$tool" || rm -rf "$new"; \
        fi; \
        if [ -x "$tool/bin/uv" ]; then uv=$tool/bin/uv; fi;; \
    esac; \
    if [ -n "$uv" ]; then "$uv" pip install --requirement /run/requirements.txt; else python3 -m pip install --requirement /run/requirements.txt; fi

WORKDIR /home/${USER}
USER ${USER}
