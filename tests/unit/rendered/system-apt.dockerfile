# The system packages that apt.txt lists.
RUN --mount=type=bind,source=apt.txt,target=/run/apt.txt \
    --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=secret,id=ca.pem,mode=0444 \
    test ! -f /run/secrets/ca.pem || set -- -o Acquire::https::CAInfo=/run/secrets/ca.pem; \
    apt-get "$@" update && sed 's/[#\r].*//' /run/apt.txt | DEBIAN_FRONTEND=noninteractive \
    xargs -r apt-get "$@" install -y --no-install-recommends -o Dir::Cache::Archives=kept --
