# pydock step: increment.sh
FROM scratch AS pydock
FROM pydock-ds:0123abcd-0123456789abcdef
USER 0:0
# The time stamp keeps the engine from using its cache: the newest versions may have changed.
RUN --mount=type=bind,from=pydock,target=/pydock --mount=type=bind,target=/requirements \
    --mount=type=bind,source=wheels,target=/run/wheels \
    --mount=type=cache,id=pip-1000,target=/root/.cache \
    : 1700000000000000000; /pydock/increment.sh
USER me
