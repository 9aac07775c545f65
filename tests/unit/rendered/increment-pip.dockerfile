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
    # First what is new, on top of what is there; where the two do not agree, everything that was asked for at once.
    install() { python3 -m pip install "$@"; }; \
    check() { python3 -m pip check; }; \
    { install --requirement wanted.txt --constraint bounds.txt && check; } \
        || { install --requirement asked.txt && check; } || exit 1; \
    python3 -m pip freeze --all > /usr/local/share/requirements.txt
USER me
