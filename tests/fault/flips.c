/* SPDX-License-Identifier: Apache-2.0 */
/* flips -- R5: one bit flipped at random in any file Petrel reads back, or in a message; it is seen (what reads it fails, by name) or
 * harmless (the very same is read).
 *
 *     flips [FLIPS] [SEED]      default 1500, a few seconds
 *
 * A cache's shards, manifest, seal and splits; a model or checkpoint (one format); the record of losses with its seal; the record of a finished run; what a giver
 * publishes of itself and what a source notes; an item and the control frame that travels with it. Flips fall evenly on these. */
#include "common/safetensors.h"
#include "proto/arrived.h"
#include "proto/control_frame.h"
#include "proto/registry.h"
#include "stages/eval/losses.h"
#include "stages/train/checkpoint/model_publish.h"
#include "stages/train/output/history.h"
#include "tests/fault/fault.h"
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCANS = 3, RUN = 7, KINDS_MOST = 9 };
static char *dir;

static void must(int result, const struct error *e)
{
    if (result)
        die_of(e);
}

/* What was read, as a digest; 0: it was refused. *e says so. */
struct kind {
    const char *name;
    void (*make)(void);
    uint64_t (*read)(struct error *e);
    const char *folder;      /* whose files are attacked; relative to dir */
    const char *attacked[2]; /* ends of names; NULL: all */
    uint64_t flips, seen, unseen;
};

/* Texts and numbers read are gathered here. */
struct gathered {
    FILE *to;
    char *text;
    size_t size;
};
static void gather_begin(struct gathered *g)
{
    g->to = open_memstream(&g->text, &g->size);
    if (!g->to)
        die(EX_OSERR, "no memory");
}
static uint64_t gather_end(struct gathered *g, bool refused)
{
    fclose(g->to);
    uint64_t digest = bytes_xxh3(g->text, g->size) | 1;
    free(g->text);
    return refused ? 0 : digest;
}

/* ---- a cache ---- */

static char *cache_dir;
static void cache_make(void)
{
    struct cache c;
    struct error e = {0};
    must(cache_writer_open(&c, cache_dir, &e), &e);
    for (uint64_t n = 0; n < SCANS; n++) {
        struct regions_message m;
        fault_scan(&m, 1, n, 1 + n % 2);
        must(cache_add(&c, (struct item_key){RUN, n}, &m, &e), &e);
        regions_message_free(&m);
    }
    must(cache_refuse(&c, (struct item_key){RUN, 99}, &(struct refusal_message){"bad", "suv", 65, "no weight"}, &e), &e);
    must(cache_split(&c, 0.3, 0.3, 1, SPLIT_REPLACE, &e), &e);
    cache_close(&c);
}

/* As training and reports read it: rows, boxes, facts, lesions, settings, and each shard whole. */
static uint64_t cache_take(struct error *e)
{
    struct cache c;
    struct gathered g;
    if (cache_open(&c, cache_dir, e))
        return 0;
    gather_begin(&g);
    fprintf(g.to, "%zu %zu %s %d\n", c.shard_count, c.refused_count, c.digest, c.split_by_hand);
    struct cache_row *rows = NULL;
    struct cache_settings settings;
    struct box_reader *boxes = NULL;
    float box[BOX_VOXELS];
    int bad = cache_rows(&c, &rows, e) || cache_settings(&c, &settings, e) || box_reader_open(&boxes, &c, 1, e);
    for (size_t i = 0; i < c.regions && !bad; i++) {
        fprintf(g.to, "%d %d %d\n", rows[i].label, rows[i].split, rows[i].patient);
        bad = box_read(boxes, i, box, e);
        fwrite(box, sizeof box, 1, g.to);
    }
    for (size_t i = 0; i < c.shard_count + c.refused_count; i++)
        fprintf(g.to, "%s %s %d %s\n", c.shard[i].patient, c.shard[i].scan, c.shard[i].split,
                c.shard[i].refusal ? c.shard[i].refusal->sentence : "");
    for (size_t i = 0; i < c.shard_count && !bad; i++) {
        struct regions_message m;
        struct scan_facts facts;
        struct lesions lesions;
        struct buffer b = {0};
        bad = cache_read_facts(&c, i, &facts, e) || cache_read_lesions(&c, i, &lesions, e) ||
              cache_read_shard(&c, i, false, &m, e);
        if (bad)
            break;
        regions_message_encode(&m, &b);
        fwrite(b.data, 1, b.size, g.to);
        fprintf(g.to, "%a %zu %d\n", facts.suv_factor, lesions.count, lesions.known);
        buffer_free(&b);
        lesions_free(&lesions);
        regions_message_free(&m);
    }
    box_reader_close(&boxes);
    free(rows);
    cache_close(&c);
    return gather_end(&g, bad);
}

/* ---- a model, a checkpoint: safetensors ---- */

static char *model_path;
static void model_make(void)
{
    struct safetensors s = {0};
    struct error e = {0};
    float weight[64];
    int64_t steps[2] = {1, 2};
    for (int i = 0; i < 64; i++)
        weight[i] = (float)i / 3;
    safetensors_add(&s, "backbone.conv1.weight", TENSOR_F32, 2, (const int64_t[]){8, 8}, weight);
    safetensors_add(&s, "optimiser.steps", TENSOR_I64, 1, (const int64_t[]){2}, steps);
    safetensors_set(&s, "petrel", "model 1");
    safetensors_set(&s, "settings", "phase = pretrain\nbatch = 8\n");
    safetensors_set(&s, "cache", "0123456789abcdef");
    must(safetensors_write(&s, model_path, &e), &e);
    safetensors_free(&s);
}
static uint64_t model_take(struct error *e)
{
    struct safetensors s;
    struct gathered g;
    if (safetensors_read(&s, model_path, e))
        return 0;
    gather_begin(&g);
    for (size_t i = 0; i < s.tensor_count; i++) {
        fprintf(g.to, "%s %d %d\n", s.tensor[i].name, s.tensor[i].type, s.tensor[i].ndim);
        fwrite(s.tensor[i].data, s.tensor[i].type == TENSOR_F32 ? 4 : 8, tensor_count(&s.tensor[i]), g.to);
    }
    for (size_t i = 0; i < s.metadata_count; i++)
        fprintf(g.to, "%s=%s\n", s.metadata[i].key, s.metadata[i].value);
    safetensors_free(&s);
    return gather_end(&g, false);
}

/* ---- the record of losses ---- */

static char *losses_path;
static void losses_make(void)
{
    struct history h;
    struct error e = {0};
    int64_t bytes;
    must(history_open(&h, losses_path, "epoch,step,set,loss,seconds", 0, &e), &e);
    for (int i = 0; i < 6; i++)
        must(history_row(&h, &e, "%d,%d,train,%.3f,%.1f\n", i / 2, i, 9.0 / (i + 1), 0.5 * i), &e);
    must(history_sync(&h, &bytes, &e), &e);
    history_close(&h);
}
static uint64_t losses_take(struct error *e)
{
    struct losses l;
    struct gathered g;
    if (losses_read(&l, losses_path, "t", e))
        return 0;
    gather_begin(&g);
    for (size_t i = 0; i < l.count; i++)
        fprintf(g.to, "%lld %a %a\n", (long long)l.point[i].epoch, l.point[i].train, l.point[i].validation);
    losses_free(&l);
    return gather_end(&g, false);
}

/* ---- the record of a run that is over ---- */

static struct train finished;
static void record_make(void)
{
    struct error e = {0};
    finished = (struct train){.phase = "pretrain",
                              .settings = "phase = pretrain\nbackbone = resnet10\nbatch = 8\nseed = 1\ninit = none\n",
                              .out_path = path_join(dir, "model/m.safetensors")};
    finished.stage_options.run = path_join(dir, "record");
    char *done = train_path(&finished, ".done");
    must(publish_bytes(done, finished.settings, strlen(finished.settings), &e), &e);
    free(done);
}
static uint64_t record_take(struct error *e)
{
    return model_published(&finished, e) == 1 ? bytes_xxh3(finished.settings, strlen(finished.settings)) | 1 : 0;
}

/* ---- the channel's files ---- */

static void giver_make(void)
{
    struct registry r;
    struct error e = {0};
    struct registered me = {.endpoint = "tcp://127.0.0.1:45671"};
    memset(me.key, 'a', KEY_HEX - 1);
    must(registry_open(&r, dir, "flipped", &e) || registry_publish(&r, &me, &e), &e);
    free(r.own); /* it stays */
    r.own = NULL;
    registry_close(&r);
}
static uint64_t giver_take(struct error *e)
{
    struct registry r;
    struct names files;
    struct registered who;
    struct gathered g;
    must(registry_open(&r, dir, "flipped", e) || registry_list(&r, &files, e), e);
    int bad = registry_read(&r, files.name[0], &who, e);
    names_free(&files);
    registry_close(&r);
    gather_begin(&g);
    fprintf(g.to, "%s %s %s %ld\n", who.endpoint, who.key, who.host, who.pid);
    return gather_end(&g, bad);
}

static void arrived_make(void)
{
    struct arrived *a;
    struct error e = {0};
    must(arrived_open(&a, dir, "flipped", &e), &e);
    for (uint64_t i = 0; i < 40; i += 2)
        must(arrived_note(a, (struct item_key){RUN, i * i}, &e), &e);
    arrived_close(&a);
}
/* An item that is not noted is given again, and its repeat dropped: harmless. One that is noted and did not arrive would be lost. */
static uint64_t arrived_take(struct error *e)
{
    struct arrived *a;
    uint64_t wrong = 0;
    must(arrived_open(&a, dir, "flipped", e), e);
    for (uint64_t run = 0; run < 16; run++)
        for (uint64_t i = 0; i < 4000; i++) {
            uint64_t root = 0;
            while (root * root < i)
                root++;
            wrong += arrived_has(a, (struct item_key){run, i}) && !(run == RUN && root * root == i && root % 2 == 0);
        }
    arrived_close(&a);
    return 1 + 2 * wrong;
}

/* ---- an item on its way: its frame, then its bytes ---- */

static char *item_path;
static void item_make(void)
{
    struct regions_message m;
    struct buffer body = {0};
    struct error e = {0};
    fault_scan(&m, 1, 5, 1);
    regions_message_encode(&m, &body);
    struct control_frame c = {
        .kind = FRAME_ITEM, .session = 3, .key = {RUN, 5}, .check = bytes_xxh3(body.data, body.size)};
    uint8_t *both = xalloc(CONTROL_FRAME_MAX + body.size, 1);
    size_t size = control_frame_write(&c, both + 1);
    both[0] = (uint8_t)size; /* ZeroMQ frames it */
    memcpy(both + 1 + size, body.data, body.size);
    must(publish_bytes(item_path, both, 1 + size + body.size, &e), &e);
    free(both);
    buffer_free(&body);
    regions_message_free(&m);
}
static uint64_t item_take(struct error *e)
{
    struct buffer b;
    struct control_frame c;
    must(file_read(item_path, 1 << 24, &b, e), e);
    size_t const size = b.data[0] < b.size ? b.data[0] : 0;
    bool sound = size && control_frame_read(&c, b.data + 1, size) && c.kind == FRAME_ITEM &&
                 bytes_xxh3(b.data + 1 + size, b.size - 1 - size) == c.check;
    uint64_t digest = bytes_xxh3(b.data, b.size) | 1;
    buffer_free(&b);
    return sound ? digest : 0;
}

static struct kind kinds[KINDS_MOST] = {
    {"shards", cache_make, cache_take, "cache", {".h5", NULL}, 0, 0, 0},
    {"manifest, seal, splits", NULL, cache_take, "cache", {"manifest", "manifest.end"}, 0, 0, 0},
    {"splits", NULL, cache_take, "cache", {"splits.tsv", NULL}, 0, 0, 0},
    {"models, checkpoints", model_make, model_take, "model", {NULL, NULL}, 0, 0, 0},
    {"losses", losses_make, losses_take, "losses", {NULL, NULL}, 0, 0, 0},
    {"run records", record_make, record_take, "record", {NULL, NULL}, 0, 0, 0},
    {"givers", giver_make, giver_take, "channels/flipped", {NULL, NULL}, 0, 0, 0},
    {"arrived", arrived_make, arrived_take, "channels", {".arrived", NULL}, 0, 0, 0},
    {"messages", item_make, item_take, "item", {NULL, NULL}, 0, 0, 0}};

/* ---- the attack ---- */

static bool is_attacked(const struct kind *k, const char *name)
{
    if (!k->attacked[0])
        return true;
    for (size_t i = 0; i < COUNT_OF(k->attacked); i++)
        if (k->attacked[i] && ends_with(name, k->attacked[i]))
            return true;
    return false;
}

/* In place, without the trouble of making it safe. */
static void overwrite(const char *path, const struct buffer *b)
{
    FILE *to = fopen(path, "wb");
    if (!to || fwrite(b->data, 1, b->size, to) != b->size || fclose(to))
        die(EX_IOERR, "cannot write '%s'", path);
}

/* One bit of one of its files, drawn evenly from all their bytes; where: for who looks into it. false: there is none. */
static void flip_once(struct kind *k, struct rng *rng, uint64_t undamaged)
{
    struct names files;
    struct error e = {0};
    char *folder = path_join(dir, k->folder);
    struct buffer b[32] = {{0}};
    uint64_t total = 0;
    must(dir_list(folder, &files, &e), &e);
    for (size_t i = 0; i < files.count && i < COUNT_OF(b); i++) {
        char *path = path_join(folder, files.name[i]);
        if (is_attacked(k, files.name[i]) && file_exists(path)) {
            must(file_read(path, 1 << 26, &b[i], &e), &e);
            total += b[i].size;
        }
        free(path);
    }
    uint64_t at = rng_below(rng, (uint32_t)total), bit = rng_below(rng, 8);
    size_t which = 0;
    while (at >= b[which].size)
        at -= b[which++].size;
    char *path = path_join(folder, files.name[which]);
    b[which].data[at] ^= (uint8_t)(1u << bit);
    overwrite(path, &b[which]);
    uint64_t const read = k->read(&e);
    k->flips++;
    k->seen += read == 0;
    if (read && read != undamaged) {
        k->unseen++;
        printf("unseen: bit %d of byte %llu of '%s'\n", (int)bit, (unsigned long long)at, files.name[which]);
    }
    if (!read && !*e.text && k->read != item_take) {
        k->unseen++;
        printf("refused without a word: byte %llu of '%s'\n", (unsigned long long)at, files.name[which]);
    }
    b[which].data[at] ^= (uint8_t)(1u << bit);
    overwrite(path, &b[which]);
    free(path);
    for (size_t i = 0; i < COUNT_OF(b); i++)
        buffer_free(&b[i]);
    names_free(&files);
    free(folder);
}

int main(int argc, char **argv)
{
    uint64_t const wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 1500,
                   seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct fault_result r = {"R5", "a bit flipped in what is read back: unseen", "flips", 0, 0, 0, 0};
    struct error e = {0};
    program_name_set("flips");
    dir = fault_dir("flips");
    static const char *const folders[] = {"model", "losses", "item", "record"};
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        char *folder = path_join(dir, folders[i]);
        must(dir_make(folder, &e), &e);
        free(folder);
    }
    cache_dir = path_join(dir, "cache");
    model_path = xprintf("%s/model/m.safetensors", dir);
    losses_path = xprintf("%s/losses/losses.csv", dir);
    item_path = xprintf("%s/item/item", dir);
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        if (kinds[k].make)
            kinds[k].make();
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct rng rng = rng_make(seed, RNG_TEST, k);
        uint64_t const undamaged = kinds[k].read(&e);
        if (!undamaged)
            die_of(&e);
        for (uint64_t i = k; i < wanted; i += COUNT_OF(kinds))
            flip_once(&kinds[k], &rng, undamaged);
        printf("%-24s %6llu flips, %6llu seen, %6llu harmless, %llu unseen\n", kinds[k].name,
               (unsigned long long)kinds[k].flips, (unsigned long long)kinds[k].seen,
               (unsigned long long)(kinds[k].flips - kinds[k].seen - kinds[k].unseen),
               (unsigned long long)kinds[k].unseen);
        r.count += kinds[k].flips;
        r.wrong += kinds[k].unseen;
    }
    dir_remove(dir);
    free(cache_dir);
    free(model_path);
    free(losses_path);
    free(item_path);
    free(dir);
    return fault_tell(&r);
}
