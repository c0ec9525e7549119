# SPDX-License-Identifier: Apache-2.0
# every recipe there is trains to the end, made tiny; and every row of a table is one
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
backbone_width = 4
efficientnet_width = 0.1
vit_width = 8
vit_layers = 1
vit_heads = 2
vit_mlp = 8
densenet_blocks = 1,1
densenet_growth = 4
densenet_width = 8
classifier_epochs = 1
classifier_batch = 8
classifier_tumours = 8
classifier_others = 8
byol_hidden = 8
moco_queue = 32
swav_prototypes = 8
smog_groups = 4
smog_hidden = 8
smog_bank = 32
dino_outputs = 16
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

@test "every row of a table is a recipe, every recipe of tables/ a row, every backbone's a backbone" {
    cd "$TOP/pipelines/recipes"
    rows=$(grep -v '^#' ../tables/runs.tsv | sed 1d | cut -f 4 | grep -vx -- - | sort -u)
    [ "$(wc -l <<<"$rows")" -gt 40 ]
    for row in $rows; do [ -e "$row.conf" ] || { echo "no recipe '$row'"; false; }; done
    diff <(grep '^tables/' <<<"$rows") <(ls tables/*.conf | sed 's/\.conf$//' | sort)
    backbones=$(petrel-train --help | sed -n 's/.*--backbone \([a-z0-9_|]*\).*/\1/p' | head -n 1 | tr '|' '\n')
    diff <(sort <<<"$backbones") <(ls backbones | sed 's/\.conf$//' | sort)
    for recipe in */*.conf; do
        grep -qx "recipe_name = $(basename "$recipe" .conf)" "$recipe" || { echo "$recipe is named otherwise"; false; }
    done
    for b in $backbones; do grep -qx "backbone = $b" "backbones/$b.conf"; done
}
