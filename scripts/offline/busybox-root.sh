#!/bin/sh
# Runs while base-image.sh builds a stand-in for an Alpine image, inside a Debian that has the
# Python: make FOLDER the root of an image with that Python, the shared libraries it needs and
# nothing else but busybox (/busybox).

set -eu
folder=$1

link_applets() {
    mkdir -p "$folder/bin"
    cp /busybox "$folder/bin/busybox"
    chmod 755 "$folder/bin/busybox"
    # without the package managers that it can play
    /busybox --list-full | grep -v -E '(^|/)(busybox|dpkg|dpkg-deb|rpm|rpm2cpio|linuxrc|init)$' |
        while read -r applet; do
            mkdir -p "$folder/${applet%/*}"
            ln -s /bin/busybox "$folder/$applet"
        done
    ln -s ../usr/sbin/nologin "$folder/sbin/nologin"
}

copy() {
    for path; do
        ! [ -e "$path" ] || tar -C / -c "${path#/}" | tar -C "$folder" -x
    done
}

# ldd names the file by which each library was found; what it cannot find (tkinter's) stays out.
libraries_of_programs() {
    find /busybox /usr/local/bin /usr/local/lib /usr/bin/python3* /usr/lib/python3* \
        -type f \( -name busybox -o -name 'python3*' -o -name '*.so' -o -name '*.so.*' \) -exec ldd {} + 2>/dev/null |
        grep -o -E '(=> |^[[:space:]]+)/[^ ]+' | grep -o '/.*'
}

# Loaded by name at run time, by the C library or by packages' own extension modules.
libraries_loaded_by_name() {
    for pattern in 'libnss_files.so*' 'libnss_dns.so*' 'libresolv.so*' 'libgcc_s.so*' 'libstdc++.so*' \
        'libpthread.so*' 'libdl.so*' 'libutil.so*' 'librt.so*' 'libm.so*'; do
        find /lib/*-linux-gnu* /usr/lib/*-linux-gnu* -maxdepth 1 -name "$pattern" 2>/dev/null
    done
}

copy_libraries() {
    { libraries_of_programs; libraries_loaded_by_name; } | sort -u | grep -v '^/usr/local/' |
        while read -r library; do
            mkdir -p "$folder/${library%/*}"
            cp -L "$library" "$folder/$library"
        done
}

write_accounts() {
    cat >"$folder/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
mail:x:8:12:mail:/var/mail:/sbin/nologin
guest:x:405:100:guest:/dev/null:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
END
    cat >"$folder/etc/group" <<'END'
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
    cat >"$folder/etc/os-release" <<'END'
NAME="pydock stand-in"
ID=pydock-stand-in
PRETTY_NAME="busybox and glibc, a stand-in for Alpine"
END
    echo 'hosts: files dns' >"$folder/etc/nsswitch.conf"
    echo /bin/sh >"$folder/etc/shells"
    ln -s certs/ca-certificates.crt "$folder/etc/ssl/cert.pem"
}

mkdir -p "$folder/dev" "$folder/etc" "$folder/home" "$folder/mnt" "$folder/opt" "$folder/proc" \
    "$folder/root" "$folder/run" "$folder/srv" "$folder/sys" "$folder/tmp" "$folder/var/tmp"
chmod 700 "$folder/root"
chmod 1777 "$folder/tmp" "$folder/var/tmp"
link_applets
copy /usr/local
copy /usr/bin/python3* /usr/lib/python3* /usr/share/python3* /usr/share/python-wheels /usr/bin/pip3 /etc/python3*
copy_libraries
copy /etc/ssl /usr/lib/ssl /usr/share/zoneinfo /usr/lib/locale/C.utf8 /usr/lib/locale/C.UTF-8 /lib/terminfo
copy /etc/ld.so.conf /etc/ld.so.conf.d
write_accounts
write_settings
ldconfig -r "$folder"
