# SPDX-License-Identifier: Apache-2.0
# the report's page in a headless browser: no error, and the slider, hovering and the keyboard do what they should
bats_require_minimum_version 1.5.0
load small

setup_file() {
    browser || return 0
    small_model
    small_make page make_page
}
make_page() {
    petrel-eval report --cache "$SMALL/cache" --model "$SMALL/model/model.safetensors" --name 'mine </script> & "yours"' --out "$1" --run "$SMALL/model/pretrain"
}
browser() { browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) 2>/dev/null; }

setup() {
    browser || skip "needs a browser: apt-get install chromium"
    cd "$BATS_TEST_TMPDIR" || return 1
    export HOME=$BATS_TEST_TMPDIR
}

# told WIDTH [OPTIONS...]: what page.js found, with what the browser had to say
told() {
    local width=$1
    shift
    { echo "<script>"; cat "$TOP/tests/cli/page.js"; echo "</script>"; cat "$SMALL/page/report.html"; } >page.html
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$BATS_TEST_TMPDIR/profile" --window-size="$width",900 \
        --virtual-time-budget=20000 --enable-logging=stderr "$@" --dump-dom "file://$PWD/page.html" >dom 2>stderr
    grep CONSOLE stderr && return 1
    sed -n '/<pre id="told">/,/<\/pre>/p' dom | sed 's/<[^>]*>//g'
}

@test "every control works, and nothing fails" {
    run -0 told 1200
    echo "$output"
    [[ $output == *$'\nend'* ]]
    ! grep -E 'NO$|error' <<<"$output"
    [ "$(grep -c ': yes$' <<<"$output")" -ge 18 ]
    grep -q 'mine &lt;/script&gt; &amp;' dom
}

@test "on a narrow window, and in the dark" {
    run -0 told 500 --force-dark-mode
    echo "$output"
    [[ $output == *$'\nend'* ]]
    ! grep -E 'NO$|error' <<<"$output"
}

@test "one file that fetches nothing" {
    ! sed 's/data:image[^"]*//g' "$SMALL/page/report.html" | grep -oE '(src|href|url|import|fetch)[=( ]+.{0,3}(https?:|//|file:|\.\.?/).{0,40}'
    [ "$(grep -c '<script' "$SMALL/page/report.html")" -le 2 ]
    ! grep -q '<link\|@import\|<iframe' "$SMALL/page/report.html"
}
