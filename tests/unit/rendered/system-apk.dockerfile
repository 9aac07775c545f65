# The system packages that apk.txt lists.
RUN --mount=type=bind,source=apk.txt,target=/run/apk.txt \
    --mount=type=cache,target=/etc/apk/cache,sharing=locked \
    --mount=type=secret,id=ca.pem,target=/etc/apk/ca.pem \
    sed 's/[#\r].*//' /run/apk.txt | xargs -r apk add -U --
