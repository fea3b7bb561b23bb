#!/usr/bin/env bash
# Sets up the project: creates the Python environment in .venv, and on Debian and Ubuntu installs system packages.
#   packaging/setup.sh serve     what the receiver needs
#   packaging/setup.sh run       what the tray application needs
#   packaging/setup.sh lint      what the checkers need, which are Python packages only
#   packaging/setup.sh package   what the tray application and `make package` need
#   packaging/setup.sh test      all of `package`, and what the tests need
#   packaging/setup.sh bench     all of `test`, and what the measurements need
#   packaging/setup.sh soak      all of `test`, and what the long proofs need
# If nothing is missing, this script changes nothing, prints nothing and ends quickly.
# The script also runs on the bash 3.2 of macOS, so it uses neither mapfile nor associative arrays.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly STAMP=.venv/.installed
readonly SBIN=${SBIN-/usr/sbin:/sbin} # contain ldconfig and sshd, but are not in the PATH of an ordinary user
readonly JARS=${JARS-/usr/share/java}

# Print a table with a row per requirement: its purpose, its kind, its name, and the Debian package that contains it.
# A library is looked up by the name of its file, because other distributions use other names of packages (Ubuntu has
# libglib2.0-0t64). The libraries that Qt needs are in a separate file, which the program also reads.
needs() {
  local what package
  while read -r _ what package; do
    echo "run lib $what $package"
  done < <(grep -v '^#' resources/qt_libraries.txt)
  cat <<'TABLE'
run command fc-list fontconfig
run chinese a_font_for_Chinese fonts-noto-cjk
package command objdump binutils
test command Xvfb xvfb
test command dbus-daemon dbus-daemon
test command dbus-send dbus-bin
test command dbus-launch dbus-x11
test command openbox openbox
test command xfce4-panel xfce4-panel
test command xfconf-query xfconf
test command xfce4-notifyd-config xfce4-notifyd
test command dunst dunst
test command tint2 tint2
test command xdotool xdotool
test command xdpyinfo x11-utils
test command import imagemagick
test command systemd-analyze systemd
test command ssh openssh-client
test command sshd openssh-server
test command desktop-file-validate desktop-file-utils
test command ip iproute2
test command cc gcc
test command gencat libc6-dev
test font DejaVu_Sans fonts-dejavu-core
test font Noto_Sans_CJK_SC fonts-noto-cjk
test font Noto_Color_Emoji fonts-noto-color-emoji
test command prometheus-alertmanager prometheus-alertmanager
bench command wrk wrk
soak command ssconvert gnumeric
soak command nginx nginx
soak command haproxy haproxy
soak command javac default-jdk-headless
soak jar httpclient libhttpclient-java
TABLE
}

say() { printf '%s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

# Return success if everything that the purpose $2 needs is also needed for the purpose $1.
takes_in() {
  case "$1 $2" in
    "serve serve" | "run serve" | "run run" | "lint lint") ;;
    "package run" | "package package" | "test run" | "test package" | "test test") ;;
    "bench run" | "bench package" | "bench test" | "bench bench") ;;
    "soak run" | "soak package" | "soak test" | "soak soak") ;;
    *) return 1 ;;
  esac
}

# Print "name|package" for each missing requirement of the purpose $1.
missing() {
  local libraries fonts chinese purpose kind what package
  PATH=$PATH:$SBIN
  libraries=$(ldconfig -p 2>/dev/null || true)
  fonts=$(fc-list : family 2>/dev/null || true)
  chinese=$(fc-list :lang=zh-cn family 2>/dev/null || true)
  while read -r purpose kind what package; do
    takes_in "$1" "$purpose" || continue
    case $kind in
      lib) [[ -z $libraries || $libraries == *[[:space:]]"$what "* ]] ;; # without ldconfig, libraries count as present
      command) has "$what" ;;
      jar) [[ -e $JARS/$what.jar ]] ;;
      font) what=${what//_/ } && [[ $fonts == *"$what"* ]] ;;
      chinese) what=${what//_/ } && [[ -n $chinese ]] ;;
    esac || echo "$what|$package"
  done < <(needs && needs_of_python)
}

# Print the requirement for Python's shared library, which PyInstaller bundles. Debian has a separate package for it.
needs_of_python() {
  [[ $python_home != /usr ]] || echo "package lib libpython$python_version.so.1.0 libpython$python_version"
}

# If the interpreter $1 is suitable, set python, python_version and python_home. Return success if the interpreter is
# suitable and can also create virtual environments.
judge_python() {
  local answer
  answer=$("$1" - 2>/dev/null <<'PY'
import importlib.util, sys
import sqlite3, ssl
assert (3, 11) <= sys.version_info[:2] < (3, 14)
print("%d.%d" % sys.version_info[:2], sys.base_prefix, importlib.util.find_spec("ensurepip") is not None)
PY
  ) || return 1
  python=$1
  python_version=${answer%% *}
  python_home=${answer#* }
  python_home=${python_home% *}
  [[ $answer == *" True" ]]
}

# Return success if .venv is usable. An environment contains its own path, so it is unusable in a moved checkout.
has_environment() {
  [[ -x .venv/bin/pip ]] && grep -qF "$(pwd -P)/.venv" .venv/bin/activate 2>/dev/null
}

find_python() {
  local name
  python='' python_version='' python_home=''
  if has_environment; then
    judge_python .venv/bin/python || true
    [[ -z $python ]] || return 0
  fi
  for name in python3.13 python3.12 python3.11 python3; do
    if judge_python "$name"; then return 0; fi
  done
  [[ -n $python ]] # an interpreter without ensurepip, whose package is installed later
}

as_root() {
  if [[ $(id -u) == 0 ]]; then
    env "$@"
  elif has sudo; then
    sudo env "$@"
  else
    say "sudo is not here, so this has to be done as root."
    return 1
  fi
}

apt() {
  as_root DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

install_packages() { # $@: Debian packages
  local fresh='' package
  say "Installing these Debian packages with apt-get: $*"
  if ! compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then
    apt update || return 1
    fresh=yes
  fi
  # the tests start their own sshd, and the installation must not make this computer reachable by ssh; the sshd service
  # of Debian does not start if this file exists
  if [[ " $* " == *" openssh-server "* ]]; then
    as_root install -D /dev/null /etc/ssh/sshd_not_to_be_run || return 1
  fi
  # the tests and proofs start these servers themselves, so their services must not run on this computer; if the user
  # has a unit with the same name, systemctl cannot mask it, and the unit stays as it is
  for package in prometheus-alertmanager nginx haproxy; do
    if [[ " $* " == *" $package "* ]] && has systemctl; then
      as_root systemctl --quiet mask "$package.service" || true
    fi
  done
  apt install -y --no-install-recommends "$@" && return 0
  [[ -z $fresh ]] || return 1
  say "The lists of packages may be old: fetching them anew and trying once more."
  apt update && apt install -y --no-install-recommends "$@"
}

set_up_system() { # $1: the purpose
  local lacking what package names='' packages=''
  [[ $(uname) == Linux ]] || return 0
  lacking=$(missing "$1")
  [[ -n $lacking ]] || return 0
  while IFS='|' read -r what package; do
    names+="${names:+, }$what (Debian: $package)"
    [[ "$packages " == *" $package "* ]] || packages+=" $package" # a package may contain two of the missing libraries
  done <<<"$lacking"
  if ! has apt-get; then
    say "Missing here, please install: $names."
    return 0
  fi
  # shellcheck disable=SC2086  # the words must be split
  install_packages $packages && lacking=$(missing "$1") && [[ -z $lacking ]] && return 0
  say "These packages are still missing; install them by hand with: apt-get install$packages"
  takes_in run "$1" # the program may run without them, but tests and builds cannot
}

set_up_python() { # $1: the purpose
  local state stamp extras
  state="$PWD $(cat pyproject.toml constraints.txt | cksum)"
  stamp=$(cat "$STAMP" 2>/dev/null || true)
  case $1 in
    serve | run) extras='' ;;
    soak) extras='[dev,soak]' ;;
    *) extras='[dev]' ;;
  esac
  # an environment with more extras than wanted is sufficient, too
  if [[ $python == .venv/bin/python && -x .venv/bin/trayalert && $stamp == "$state ${extras%]}"* ]]; then
    return 0
  fi
  if [[ $python != .venv/bin/python ]]; then
    say "Making the Python environment .venv with $python (Python $python_version)."
    "$python" -m venv --clear .venv
  fi
  rm -f "$STAMP"
  say "Installing trayalert and what it needs into .venv, in the versions of constraints.txt."
  pip_install hatchling babel
  # the build uses the pinned versions in .venv; an isolated build environment would fetch other versions
  pip_install --no-build-isolation --editable ".$extras"
  printf '%s' "$state $extras" >"$STAMP"
}

# Compile the catalogues of translations that have changed since the environment was made.
compile_translations() {
  local source
  for source in resources/translations/*/LC_MESSAGES/trayalert.po; do
    if [[ $source -nt ${source%.po}.mo ]]; then
      .venv/bin/python packaging/build_hook.py
      return
    fi
  done
}

pip_install() {
  .venv/bin/python -m pip install --disable-pip-version-check --no-input --constraint constraints.txt "$@"
}

main() {
  local purpose=${1:-run}
  if ! takes_in "$purpose" "$purpose"; then
    say "usage: $0 [serve|run|lint|package|test|bench|soak]"
    exit 2
  fi
  if ! find_python && ! has python3 && has apt-get; then
    if install_packages python3 python3-venv; then find_python || true; fi
  fi
  if [[ -z $python ]]; then
    say "trayalert needs Python 3.11, 3.12 or 3.13 with sqlite3 and ssl: install one as python3.11, python3.12, python3.13 or python3."
    exit 1
  fi
  if [[ $python != .venv/bin/python ]] && ! judge_python "$python"; then
    if has apt-get; then install_packages "python$python_version-venv" || true; fi
    if ! judge_python "$python"; then
      say "$python cannot make environments: install its venv module (Debian: python$python_version-venv)."
      exit 1
    fi
  fi
  set_up_python "$purpose"
  compile_translations
  set_up_system "$purpose"
}

main "$@"
