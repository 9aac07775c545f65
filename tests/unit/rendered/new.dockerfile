# An ordinary dockerfile, yours to edit. `docker build .` in this folder builds the same environment.
ARG REPOSITORY=python
ARG VERSION=3.12
FROM scratch AS pydock
FROM ${REPOSITORY}:${VERSION}

# The user in the container; build arguments set another name and other ids. Its entries
# come first in passwd and group, so they win over those of the base image.
ARG USER=me UID=1000 GID=100
USER 0:0
RUN mkdir -p /home/$USER && chown $UID:$GID /home/$USER && cd /etc && touch passwd group \
    && echo "$USER:x:$UID:$GID::/home/$USER:/bin/sh" | cat - passwd > passwd.new && mv passwd.new passwd \
    && echo "$USER:x:$GID:" | cat - group > group.new && mv group.new group

# The packages; pydock links projects (`-e`) later. In its builds, the stage `pydock` has a faster `pip`.
COPY requirements.txt /usr/local/share/
RUN --mount=type=bind,from=pydock,target=/pydock \
    --mount=type=cache,id=pip-$UID,target=/root/.cache \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=ca.pem \
    HOME=/root PATH=/pydock:$PATH pip install -r /usr/local/share/requirements.txt

USER $USER
WORKDIR /home/$USER
