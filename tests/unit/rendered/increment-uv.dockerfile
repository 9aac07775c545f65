FROM pydock-ds:0123abcd-0123456789abcdef
USER root
RUN --mount=type=bind,source=compile_bytecode.py,target=/run/compile_bytecode.py \
    --mount=type=cache,id=pydock,target=/var/cache/pydock --mount=type=tmpfs,target=/tmp \
    --mount=type=secret,id=pip.conf \
    --mount=type=secret,id=netrc \
    --mount=type=bind,source=ca.pem,target=/run/secrets/ca.pem \
    : "asked at 1700000000000000000: what was newest before is not the engine's to answer from its cache"; \
    set -eu; cd /tmp; \
    printf '%s\n' 'pandas>=2' six > asked.txt; \
    printf '%s\n' six > wanted.txt; \
    printf '%s\n' 'pandas>=2' > bounds.txt; \
    cache=/var/cache/pydock; secrets=/run/secrets; \
    export PIP_CONFIG_FILE=$secrets/pip.conf NETRC=$secrets/netrc; \
    if [ -f $secrets/uv.toml ]; then export UV_CONFIG_FILE=$secrets/uv.toml; fi; \
    if [ -f $secrets/ca.pem ]; then \
        export SSL_CERT_FILE=$secrets/ca.pem PIP_CERT=$secrets/ca.pem GIT_SSL_CAINFO=$secrets/ca.pem; \
    fi; \
    export PIP_CACHE_DIR=$cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore; \
    export PIP_BREAK_SYSTEM_PACKAGES=1; \
    # uv lives in the cache, not in the image; pip does the work before Python 3.8 and where there is no uv.
    export UV_CACHE_DIR=$cache/uv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=0; \
    export UV_BREAK_SYSTEM_PACKAGES=1 UV_SYSTEM_PYTHON=1 UV_PYTHON_DOWNLOADS=never; \
    tool=$cache/tools/$(uname -m)$(if ls /lib/ld-musl-* >/dev/null 2>&1; then echo -musl; fi); uv=; \
    case $(python3 -V) in "Python 3."[0-7].*) ;; *) \
        if [ ! -x "$tool/bin/uv" ]; then \
            mkdir -p "${tool%/*}"; new=$(mktemp -d $cache/new.XXXXXX); \
            python3 -m pip install --quiet --target "$new" uv && mv "$new" "$tool" || rm -rf "$new"; \
        fi; \
        if [ -x "$tool/bin/uv" ]; then uv=$tool/bin/uv; fi;; \
    esac; \
    # First what is new, on top of what is there; where the two do not agree, everything that was asked for at once.
    install() { if [ -n "$uv" ]; then "$uv" pip install "$@"; else python3 -m pip install "$@"; fi; }; \
    check() { if [ -n "$uv" ]; then "$uv" pip check; else python3 -m pip check; fi; }; \
    { install --requirement wanted.txt --constraint bounds.txt && check; } \
        || { install --requirement asked.txt && check; } || exit 1; \
    if [ -n "$uv" ]; then python3 /run/compile_bytecode.py $cache/bytecode asked.txt; fi; \
    if [ -n "$uv" ]; then "$uv" pip freeze; else python3 -m pip freeze --all; fi > /usr/local/share/requirements.txt
USER me
