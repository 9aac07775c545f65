# An ordinary dockerfile, yours to edit. `docker build .` in this folder builds the same environment.
ARG BASE=debian:12
FROM scratch AS pydock
FROM ${BASE}

# The user in the container. Build arguments set another name and other ids.
ARG USER=me UID=1000 GID=100
USER root
RUN mkdir -p /home/$USER && chown $UID:$GID /home/$USER \
    && sed -i "1i $USER:x:$UID:$GID::/home/$USER:/bin/sh" /etc/passwd \
    && sed -i "1i $USER:x:$GID:" /etc/group

# The packages. The stage `pydock` is empty; when pydock builds, it contains a faster `pip`.
COPY requirements.txt /usr/local/share/
RUN --mount=type=bind,from=pydock,target=/pydock \
    --mount=type=cache,id=pip-$UID,target=/root/.cache \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=ca.pem \
    PATH=/pydock:$PATH PIP_BREAK_SYSTEM_PACKAGES=1 pip install --requirement /usr/local/share/requirements.txt

USER $USER
WORKDIR /home/$USER
