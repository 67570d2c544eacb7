#!/bin/sh
# Prints C source that holds each given file as an array: embed.sh name=file …
set -eu

echo '/* Made by src/http/assets/embed.sh. */'
echo '#include "http/assets.h"'
for pair in "$@"; do
        name=${pair%%=*}
        file=${pair#*=}
        echo "const unsigned char asset_${name}[] = {"
        od -A n -v -t u1 "$file" | sed 's/\([0-9]\)  */\1,/g; s/$/,/'
        echo '};'
        echo "const size_t asset_${name}_size = sizeof(asset_$name);"
done
