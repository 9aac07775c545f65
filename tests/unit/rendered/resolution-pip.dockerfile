FROM pydock-ds:0123abcd-0123456789abcdef AS resolved
USER root
RUN --mount=type=cache,id=pydock,target=/var/cache/pydock --mount=type=tmpfs,target=/tmp \
    : "asked at 1700000000000000000: what was newest before is not the engine's to answer from its cache"; \
    set -eu; mkdir /resolved; \
    printf '%s\n' 'pandas>=2' six > /tmp/requirements.in; \
    printf '%s\n' pandas==2.1.0 six==1.15.0 > /resolved/requirements.txt; \
    cache=/var/cache/pydock; secrets=/run/secrets; \
    export PIP_CONFIG_FILE=$secrets/pip.conf NETRC=$secrets/netrc; \
    if [ -f $secrets/uv.toml ]; then export UV_CONFIG_FILE=$secrets/uv.toml; fi; \
    if [ -f $secrets/ca.pem ]; then \
        export SSL_CERT_FILE=$secrets/ca.pem PIP_CERT=$secrets/ca.pem GIT_SSL_CAINFO=$secrets/ca.pem; \
    fi; \
    export PIP_CACHE_DIR=$cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore; \
    export PIP_BREAK_SYSTEM_PACKAGES=1; \
    # pip resolves by installing: into one environment what is there and its upgrades, into another what is asked
    # for, held to the first one's versions.
    python3 -m venv /tmp/upgraded; python3 -m venv /tmp/needed; \
    /tmp/upgraded/bin/python -m pip install --quiet --requirement /resolved/requirements.txt; \
    /tmp/upgraded/bin/python -m pip install --quiet --upgrade six; \
    /tmp/upgraded/bin/python -m pip freeze --all > /tmp/bounds.txt; \
    /tmp/needed/bin/python -m pip install --quiet --constraint /tmp/bounds.txt --requirement /tmp/requirements.in; \
    /tmp/needed/bin/python -m pip freeze --all > /resolved/requirements.txt

FROM scratch
COPY --from=resolved /resolved /
