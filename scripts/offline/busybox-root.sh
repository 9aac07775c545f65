#!/bin/sh
# Creates the root file system of a stand-in for an Alpine image.
#
#   busybox-root.sh DIRECTORY
#
# base-image.sh runs this in a Debian container with Python and /busybox. DIRECTORY gets that
# Python, the shared libraries that it needs, and busybox.

set -eu
root=$1

link_applets() {
    mkdir -p "$root/bin"
    cp /busybox "$root/bin/busybox"
    chmod 755 "$root/bin/busybox"
    # without busybox's own package managers
    /busybox --list-full | grep -v -E '(^|/)(busybox|dpkg|dpkg-deb|rpm|rpm2cpio|linuxrc|init)$' |
        while read -r applet; do
            mkdir -p "$root/${applet%/*}"
            ln -s /bin/busybox "$root/$applet"
        done
    ln -s ../usr/sbin/nologin "$root/sbin/nologin"
}

copy() {
    for path; do
        ! [ -e "$path" ] || tar -C / -c "${path#/}" | tar -C "$root" -x
    done
}

# Prints the path of each library that ldd finds. Libraries that are not installed (Tcl/Tk) are left out.
linked_libraries() {
    find /busybox /usr/local/bin /usr/local/lib /usr/bin/python3* /usr/lib/python3* \
        -type f \( -name busybox -o -name 'python3*' -o -name '*.so' -o -name '*.so.*' \) -exec ldd {} + 2>/dev/null |
        grep -o -E '(=> |^[[:space:]]+)/[^ ]+' | grep -o '/.*'
}

# Libraries that the C library or extension modules load by name at run time. ldd does not list them.
libraries_loaded_by_name() {
    for pattern in 'libnss_files.so*' 'libnss_dns.so*' 'libresolv.so*' 'libgcc_s.so*' 'libstdc++.so*' \
        'libpthread.so*' 'libdl.so*' 'libutil.so*' 'librt.so*' 'libm.so*'; do
        find /lib/*-linux-gnu* /usr/lib/*-linux-gnu* -maxdepth 1 -name "$pattern" 2>/dev/null
    done
}

copy_libraries() {
    { linked_libraries; libraries_loaded_by_name; } | sort -u | grep -v '^/usr/local/' |
        while read -r library; do
            mkdir -p "$root/${library%/*}"
            cp -L "$library" "$root/$library"
        done
}

write_accounts() {
    cat >"$root/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
mail:x:8:12:mail:/var/mail:/sbin/nologin
guest:x:405:100:guest:/dev/null:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
END
    cat >"$root/etc/group" <<'END'
root:x:0:root
bin:x:1:root,bin,daemon
daemon:x:2:root,bin,daemon
sys:x:3:root,bin
adm:x:4:root,daemon
tty:x:5:
mail:x:12:
users:x:100:
nogroup:x:65533:
nobody:x:65534:
END
}

write_settings() {
    cat >"$root/etc/os-release" <<'END'
NAME="pydock stand-in"
ID=pydock-stand-in
PRETTY_NAME="busybox and glibc, a stand-in for Alpine"
END
    echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
    echo /bin/sh >"$root/etc/shells"
    ln -s certs/ca-certificates.crt "$root/etc/ssl/cert.pem"
}

mkdir -p "$root/dev" "$root/etc" "$root/home" "$root/mnt" "$root/opt" "$root/proc" \
    "$root/root" "$root/run" "$root/srv" "$root/sys" "$root/tmp" "$root/var/tmp"
chmod 700 "$root/root"
chmod 1777 "$root/tmp" "$root/var/tmp"
link_applets
copy /usr/local
copy /usr/bin/python3* /usr/lib/python3* /usr/share/python3* /usr/share/python-wheels /usr/bin/pip3 /etc/python3*
copy_libraries
copy /etc/ssl /usr/lib/ssl /usr/share/zoneinfo /usr/lib/locale/C.utf8 /usr/lib/locale/C.UTF-8 /lib/terminfo
copy /etc/ld.so.conf /etc/ld.so.conf.d
write_accounts
write_settings
ldconfig -r "$root"
