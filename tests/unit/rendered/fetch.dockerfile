# pydock step: fetch_uv.sh
FROM scratch AS pydock
FROM pydock-ds:0123abcd-0123456789abcdef AS step
USER 0:0
RUN --mount=type=bind,from=pydock,target=/pydock --mount=type=bind,target=/requirements \
    /pydock/fetch_uv.sh
FROM scratch
COPY --from=step /wheels /
