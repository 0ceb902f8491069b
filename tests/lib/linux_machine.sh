#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A small Linux machine: a root tree with a package database of its own, and in it the real
# dpkg, apt-get, systemctl and qemu-ga of this machine, in namespaces of mounts and processes
# that have nothing else.  Programs and their libraries are this machine's, mounted for reading;
# /etc, /var and /usr/lib itself belong to the tree.  No init runs there: systemctl works on the
# unit files, as it does in every tree that is not booted.
#
# Sourced by tests, after lib.sh:
#   linux_test              begin a test of such machines, or skip it; the machine ends with it
#   linux_tree ROOT         make the tree
#   linux_start ROOT        run qemu-ga in it, its socket is $linux_socket; it forbids the
#                           commands in $linux_forbids (commas between them)
#   linux_in PROGRAM...     run a program in the machine that was started
#   linux_stop
# Run as a program it is what makes the namespaces' insides: linux_machine.sh ROOT PROGRAM...
linux_self=${BASH_SOURCE[0]}
linux_pid= linux_init= linux_socket= linux_forbids=
linux_libraries() { dirname "$(ldd /bin/sh | sed -n 's/.*=> \(\/[^ ]*libc\.so\.[0-9]*\) .*/\1/p')"; }
linux_loader() { ldd /bin/sh | sed -n 's/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p'; }

# What has to be there for it.
linux_can() {
    [ "$(id -u)" -eq 0 ] && [ -n "$(linux_loader)" ] && [ -d "/usr$(linux_libraries)" ] ||
        return 1
    local program
    for program in dpkg dpkg-deb apt-get systemctl qemu-ga pivot_root nsenter; do
        command -v $program > /dev/null || return 1
    done
    unshare -mpf --propagation private true 2> /dev/null
}
linux_test() {
    if ! linux_can; then
        echo '1..0 # SKIP needs root, namespaces, dpkg, apt-get, systemctl and qemu-ga'
        exit 0
    fi
    trap 'linux_stop; t_end' EXIT
    export XDG_STATE_HOME=$t_dir/state
    chmod 755 "$t_dir"
}

linux_tree() {
    local root=$1 libraries name
    libraries=/usr$(linux_libraries)
    mkdir -p "$root"/usr/{bin,sbin,share,lib/apt,lib/systemd/system} "$root$libraries" \
        "$root"/etc/{dpkg,apt/{apt.conf,sources.list,preferences}.d,systemd/system} "$root"/var/lib/dpkg/{updates,info} \
        "$root"/var/lib/apt/lists/partial "$root"/var/cache/apt/archives/partial \
        "$root"/var/log/apt "$root"/{tmp,run,proc,dev/pts,root,opt}
    chmod -R u=rwX,go=rX "$root"
    chmod 1777 "$root/tmp"
    ln -s usr/bin usr/sbin usr/lib "$root/"
    # where the loader is looked for depends on the processor
    mkdir -p "$root$(dirname "$(linux_loader)")"
    cp -L "$(linux_loader)" "$root$(linux_loader)"
    : > "$root/var/lib/dpkg/status"
    : > "$root/var/lib/dpkg/available"
    printf 'root:x:0:0:root:/root:/bin/sh\n_apt:x:42:42::/nonexistent:/bin/false\n' \
        > "$root/etc/passwd"
    printf 'root:x:0:\n_apt:x:42:\n' > "$root/etc/group"
    printf 'NAME=twin\nID=debian\nVERSION_ID="12"\n' > "$root/etc/os-release"
    for name in null zero urandom; do : > "$root/dev/$name"; done
}

linux_enter() { # ROOT PROGRAM...
    local root=$1 folder name
    shift
    cd "$root" || exit 1
    mount --bind . . && cd "$root" || exit 1
    for folder in /usr/bin /usr/sbin /usr/share /usr/lib/apt "/usr$(linux_libraries)"; do
        mount --bind "$folder" ".$folder" && mount -o remount,bind,ro ".$folder" || exit 1
    done
    for name in null zero urandom; do mount --bind "/dev/$name" "dev/$name" || exit 1; done
    mount -t proc proc proc || exit 1
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts 2> /dev/null &&
        ln -sf pts/ptmx dev/ptmx
    pivot_root . . && umount -l . && cd / || exit 1
    exec env -i PATH=/usr/sbin:/usr/bin LC_ALL=C HOME=/root "$@"
}

linux_start() {
    local name=/run/ga-$$.sock
    rm -f "$1$name"
    unshare -mpf --kill-child --propagation private "$linux_self" "$1" \
        qemu-ga -m unix-listen -p "$name" -t /run -l /run/ga.log \
        -b "guest-fsfreeze-freeze,guest-fsfreeze-freeze-list,guest-shutdown${linux_forbids:+,$linux_forbids}" \
        > machine.log 2>&1 &
    linux_pid=$!
    until grep -q " 00010000 .* $name\$" /proc/net/unix; do
        [ -d "/proc/$linux_pid" ] || return 1
    done
    linux_socket=$1$name
    linux_init=$(pgrep -P "$linux_pid")
}

linux_in() { nsenter -t "$linux_init" -m -p -r -w env -i PATH=/usr/sbin:/usr/bin LC_ALL=C "$@"; }

# All its processes end with its first one, which nothing but this signal ends.
linux_stop() {
    [ -n "$linux_pid" ] || return 0
    kill -9 "$linux_init" 2> /dev/null
    wait "$linux_pid" 2> /dev/null
    linux_pid= linux_init=
}

[ "${BASH_SOURCE[0]}" != "$0" ] || linux_enter "$@"
