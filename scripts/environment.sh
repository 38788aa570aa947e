# Sourced by scripts/demo and scripts/test: makes a virtual environment with this project in it.
#
#   make_environment DIRECTORY REQUIREMENT...

die() {
  echo "error: $*" >&2
  exit 1
}

make_environment() {
  local directory=$1
  shift
  local python=${PYTHON:-python3}
  command -v "$python" >/dev/null || die "$python is not installed; on Debian: apt-get install python3 python3-venv"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "$("$python" --version) is too old; set PYTHON to a Python 3.11 or newer"
  if [[ ! -x $directory/bin/python ]]; then
    if ! "$python" -m venv "$directory" 2>/dev/null; then
      rm -rf "$directory"
      # Debian keeps venv's own pip in a package of its own.
      [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null ||
        die "$python cannot make virtual environments; on Debian: apt-get install python3-venv"
      apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null
      "$python" -m venv "$directory"
    fi
  fi
  # Byte code is left to the first import: most of what is installed is never imported.
  "$directory/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check "$@"
}
