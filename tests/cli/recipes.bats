# SPDX-License-Identifier: Apache-2.0
# every recipe there is trains to the end, made tiny; and a table's row is the same by its words and by its file
bats_require_minimum_version 1.5.0
load small

# What makes any recipe a matter of seconds, whatever else it says. Regions and SUV are the cache's.
tiny() { # RECIPE
    grep -v '^#' "$1"
    cat <<'END'
epochs = 1
patience = 1
warmup = 0
schedule_length = 0
batch = 8
pairs_per_epoch = 16
validation_pairs = 0
projection_width = 16
projection_outputs = 0
backbone_width = 2
classifier_epochs = 1
classifier_batch = 8
classifier_tumours = 8
classifier_others = 8
byol_hidden = 8
moco_queue = 32
swav_prototypes = 8
collapse_floor = 0
END
    sed -n '/^# SUV$/,/^# Boxes/p' "$TOP/pipelines/recipes/paper.conf"
}

one() { # RECIPE: trained in RUN
    local recipe=$1 name run cache=$SMALL/cache words=()
    name=${recipe#"$TOP/pipelines/recipes/"}
    run=$BATS_TEST_TMPDIR/${name//\//-}
    mkdir -p "$run"
    tiny "$recipe" >"$run/tiny.conf"
    grep -q '^channels = pet,ct' "$recipe" && cache=$SMALL/ct/cache
    same=(--quiet --threads 1 --cache "$cache" --recipe "$run/tiny.conf")
    if ! grep -q '^unfreeze = yes' "$recipe"; then
        words=(--init "$run/encoder/pretrained.safetensors")
        petrel-pairs "${same[@]}" --run "$run/encoder" --silence 1 >"$run/pairs" 2>&1 3>&- &
        timeout 100 petrel-train pretrain "${same[@]}" --run "$run/encoder" >"$run/log" 2>&1 3>&- || { cat "$run/log" "$run/pairs"; kill $! && wait; return 1; }
        wait
    fi
    petrel-pairs "${same[@]}" --run "$run/classifier" --silence 1 >"$run/pairs" 2>&1 3>&- &
    timeout 100 petrel-train classifier "${same[@]}" --run "$run/classifier" "${words[@]}" >"$run/log" 2>&1 3>&- || { cat "$run/log" "$run/pairs"; kill $! && wait; return 1; }
    wait
    [ -s "$run/classifier/model.safetensors" ]
}

@test "every recipe under pipelines/recipes trains to the end" {
    small_cache && small_ct
    failed=''
    while read -r recipe; do
        one "$recipe" || failed+=" $recipe"
    done < <(find "$TOP/pipelines/recipes" -name '*.conf' | sort)
    [ -z "$failed" ] || { echo "not trained:$failed"; false; }
}

@test "a row of a table by its words (pipelines/tables/runs.tsv) is the recipe of its name" {
    for recipe in "$TOP"/pipelines/recipes/tables/*.conf; do
        name=$(basename "$recipe" .conf)
        words=$(awk -F '\t' -v run="$name" '$1 == run { print $4 }' "$TOP/pipelines/tables/runs.tsv")
        [ -n "$words" ] || { echo "runs.tsv has no $name"; false; }
        of_words=$(tr ' ' '\n' <<<"$words" | sed 's/^--no-\(.*\)$/\1=no/; s/^--//; s/-\([^=]*\)=/_\1=/; s/-\([^=]*\)=/_\1=/; s/=/ = /' | sort)
        [ "$of_words" = "$(grep -v '^#\|^recipe_name' "$recipe" | sort)" ] || { echo "$name: $of_words"; false; }
    done
}
