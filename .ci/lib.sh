# shellcheck shell=bash
# shellcheck disable=SC2034  # what is set here is used in those scripts
# What the scripts beside this file share. They source it after `set -u`, from the repository's root.

# Runs a step to its end and remembers how it went; summary tells at the end.
failed=()
lines=()
step() {
    local name=$1 start=$SECONDS
    shift
    printf '\n==== %s: %s\n' "$name" "$*"
    if "$@" </dev/null; then
        lines+=("$name: ok, $((SECONDS - start)) s")
    else
        lines+=("$name: FAILED, $((SECONDS - start)) s")
        failed+=("$name")
    fi
}

# Prints how the steps went; fails if one of them did.
summary() {
    printf '\n==== summary\n'
    printf '%s\n' "${lines[@]}"
    ((${#failed[@]} == 0))
}

update_package_lists() {
    [[ -n ${lists_are_fresh:-} ]] && return
    apt-get update -qq
    lists_are_fresh=yes
}

# Installs Debian packages without starting the services in them.
install_packages() {
    if ((EUID != 0)); then
        echo "not root; install with: apt-get install --no-install-recommends $*" >&2
        return 1
    fi
    update_package_lists
    local policy=/usr/sbin/policy-rc.d ours='' status=0
    if [[ ! -e $policy ]]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    mkdir -p .cache
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" \
        >.cache/apt.log 2>&1 </dev/null || status=$?
    [[ -z $ours ]] || rm -f "$policy"
    ((status == 0)) || tail -n 30 .cache/apt.log >&2
    return "$status"
}

# Where this machine gets Debian from, as apt itself understands its sources: sets mirror, codename and keyring.
find_debian_mirror() {
    local format
    # shellcheck disable=SC2016  # apt fills these in
    format='$(ORIGIN)|$(COMPONENT)|$(SUITE)|$(REPO_URI)|$(CODENAME)|$(SIGNED_BY)'
    find_once() {
        IFS='|' read -r mirror codename keyring < <(
            apt-get indextargets --format "$format" 'Created-By: Packages' |
                awk -F'|' -v OFS='|' '$1 == "Debian" && $2 == "main" && $3 !~ /security|updates|backports/ {
                    print $4, $5, ($6 ~ /^\//) ? $6 : "/usr/share/keyrings/debian-archive-keyring.gpg"; exit }'
        )
    }
    find_once && return
    # On a machine whose package lists were never fetched, apt does not know the origin yet.
    ((EUID == 0)) && update_package_lists && find_once && return
    echo "apt knows no Debian mirror here" >&2
    return 1
}
