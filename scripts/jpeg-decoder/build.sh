#!/bin/sh
# Makes assets/jpeg-decoder.wasm from libjpeg-turbo's source and wasm/jpeg-decoder. Needs emscripten 3.1.6 (Debian 12).
# sh scripts/jpeg-decoder/build.sh libjpeg-turbo_2.1.5.orig.tar.gz     (apt-get source --download-only libjpeg-turbo)
set -eu
cd "$(dirname "$0")/../.."

archive=${1:?Expected the path of libjpeg-turbo 2.1.5, as libjpeg-turbo_2.1.5.orig.tar.gz}
echo "254f3642b04e309fee775123133c6464181addc150499561020312ec61c1bf7c  $archive" | sha256sum --check --quiet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar --extract --file "$archive" --directory "$work" --strip-components 1

cat > "$work/jconfig.h" <<'EOF'
#define JPEG_LIB_VERSION 62
#define LIBJPEG_TURBO_VERSION 2.1.5
#define LIBJPEG_TURBO_VERSION_NUMBER 2001005
#define WITH_SIMD 1
#define BITS_IN_JSAMPLE 8
EOF
cat > "$work/jconfigint.h" <<'EOF'
#define BUILD ""
#define INLINE inline __attribute__((always_inline))
#define THREAD_LOCAL
#define PACKAGE_NAME "libjpeg-turbo"
#define VERSION "2.1.5"
#define SIZEOF_SIZE_T 4
#define FALLTHROUGH __attribute__((fallthrough));
EOF

flags="-O3 -msimd128 -mbulk-memory -mnontrapping-fptoint -DNO_GETENV -DNO_PUTENV -I $work -Wno-macro-redefined"
objects=
compile() { # name, source, further flags
  name=$1 source=$2
  shift 2
  # shellcheck disable=SC2086
  emcc -c $flags "$@" "$source" -o "$work/$name.o"
  objects="$objects $work/$name.o"
}
for name in jcomapi jdapimin jdapistd jdcoefct jdcolor jddctmgr jdinput jdmainct jdmarker jdmaster jdpostct jdsample \
  jmemmgr jutils; do
  compile "$name" "$work/$name.c"
done
# Pointers of 32 bits with registers of 64, which libjpeg-turbo knows from x32: bits are read 48 at a time.
for name in jdhuff jdphuff; do
  compile "$name" "$work/$name.c" -D__x86_64__ -D__ILP32__
done
for name in decoder kernels never; do
  compile "our-$name" "wasm/jpeg-decoder/$name.c" -Wall -Wno-unused-parameter
done
# shellcheck disable=SC2086
wasm-ld-14 $objects --no-entry --gc-sections --strip-all --stack-first -z stack-size=65536 --max-memory=2147483648 \
  -o assets/jpeg-decoder.wasm
chmod 644 assets/jpeg-decoder.wasm
sha256sum assets/jpeg-decoder.wasm
