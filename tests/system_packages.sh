#!/usr/bin/env bash
# What the tests need of the system: a Chromium, Chinese fonts for it, gettext, a Java for Spark. Installs what is missing where it may; otherwise says what to do and fails.
set -euo pipefail

missing=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
compgen -G "/usr/share/fonts/opentype/noto/NotoSansCJK-*" >/dev/null || missing+=(fonts-noto-cjk)
command -v msgfmt >/dev/null && command -v xgettext >/dev/null || missing+=(gettext)
java_version() { "$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1; }
fitting_java() {
  local java
  for java in "${JAVA_HOME:-/nowhere}/bin/java" "$(command -v java || true)" /usr/lib/jvm/java-*-openjdk*/bin/java; do
    [ -x "$java" ] && [ "$(java_version "$java")" -ge 17 ] 2>/dev/null && return 0
  done
  return 1
}
fitting_java || missing+=(openjdk-17-jre-headless)
[ ${#missing[@]} -eq 0 ] && exit 0

advice="测试需要系统软件包 ${missing[*]}：请运行 sudo apt-get install ${missing[*]} (the tests need these system packages)"
if ! command -v apt-get >/dev/null; then
  echo "$advice" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || { echo "$advice" >&2; exit 1; }
  as_root=(sudo -n)
fi
echo "正在安装 ${missing[*]} (installing system packages)…"
export DEBIAN_FRONTEND=noninteractive
install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; }
# The package lists of a fresh machine may be empty or old.
install 2>/dev/null || { "${as_root[@]}" apt-get update -qq && install; } || { echo "$advice" >&2; exit 1; }
