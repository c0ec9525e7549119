/* SPDX-License-Identifier: Apache-2.0 */
/* nnunet -- the folders of nnU-Net, known by their structure.   find_image -> [nnunet]
 *
 *     imagesTr/CASE_0000.nii.gz, CASE_0001.nii.gz    a channel a file; imagesTs, imagesVal, images likewise
 *     labelsTr/CASE.nii.gz                           truth
 *     dataset.json                                   says what the channels are (channel_names, or modality before version 2)
 * The scan is the channel whose name speaks of PET or SUV. Where none does, autoPET's way is taken, aloud: of two channels _0000 is the CT
 * and _0001 the PET, an only one is the PET unless it is named CT. Files without a channel (HECKTOR's CASE__PT, CASE__CT) go by
 * their names. The release of autoPET III and IV has this layout, and says in its names who is who (autopet.c). */
#include "common/log.h"
#include "stages/load/load.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHANNEL_DIGITS = 4 };

static bool speaks_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasestr(text, words[i]))
            return true;
    return false;
}

static bool speaks_of_pet(const char *text)
{
    static const char *const words[] = {"PET", "SUV"};
    return speaks_of(text, words, COUNT_OF(words)) || strcasecmp(text, "PT") == 0;
}

/* A path within the layout. Texts are owned. */
struct place {
    char *images, *root, *labels; /* folders */
    size_t stem, without;         /* length of its name without ending, and without channel, too */
    int channel;                  /* -1: none */
};

static void place_free(struct place *p)
{
    free(p->images);
    free(p->root);
    free(p->labels);
}

static char *folder_in(const char *root, const char *name)
{
    char *path = path_join(root, name);
    if (dir_exists(path))
        return path;
    free(path);
    return NULL;
}

/* The folder `from`Tr's brother `to`Tr, if it is there; NULL. */
static char *brother(const char *folder, const char *root, const char *from, const char *to)
{
    const char *base = path_base(folder);
    if (strncasecmp(base, from, strlen(from)) != 0)
        return NULL;
    char *name = xprintf("%s%s", to, base + strlen(from)), *path = folder_in(root, name);
    free(name);
    return path;
}

/* The file of that channel of the same case; NULL. */
static char *channel_file(const struct place *p, const char *name, int channel)
{
    char tail[16];
    format_into(tail, sizeof tail, "_%04d", channel % 10000);
    return image_beside(p->images, name, p->without, tail);
}

/* Four digits at the end of a name in images* are a channel if there is a channel 0 of the same case, or a truth of its name without them,
 * and none with them: patients are numbered, too. */
static void channel_read(struct place *p, const char *name)
{
    size_t digits = 0;
    while (digits < p->stem && isdigit((unsigned char)name[p->stem - 1 - digits]))
        digits++;
    if (digits != CHANNEL_DIGITS || p->stem <= digits + 1 || name[p->stem - digits - 1] != '_' ||
        atoi(name + p->stem - digits) >= NNUNET_CHANNELS)
        return;
    p->without = p->stem - digits - 1;
    char *whole = p->labels ? image_beside(p->labels, name, p->stem, "") : NULL;
    char *label = p->labels ? image_beside(p->labels, name, p->without, "") : NULL, *first = channel_file(p, name, 0);
    bool const ours = p->labels || nnunet_dataset(p->root)->said || strcasecmp(path_base(p->images), "images") != 0;
    if (!whole && (label || (first && ours)))
        p->channel = atoi(name + p->stem - digits);
    else
        p->without = p->stem;
    free(first);
    free(label);
    free(whole);
}

/* false: not in a folder images*, and no name of autoPET. */
static bool place_of(const char *path, struct place *p)
{
    const char *name = path_base(path);
    char *folder = path_parent(path), *real = realpath(folder, NULL); /* "." has a name, too */
    *p = (struct place){.images = real ? real : xstrdup(folder), .channel = -1};
    free(folder);
    p->root = path_parent(p->images);
    p->stem = p->without = image_stem(name);
    bool const in_images = strncasecmp(path_base(p->images), "images", strlen("images")) == 0;
    if (in_images)
        p->labels = brother(p->images, p->root, "images", "labels");
    if (autopet_name(name) &&
        (stem_ends(name, p->stem, "_0000") || stem_ends(name, p->stem, "_0001"))) { /* wherever it lies */
        p->without -= strlen("_0000");
        p->channel = name[p->stem - 1] - '0';
        p->labels = in_images ? p->labels : folder_in(p->root, "labelsTr");
    } else if (in_images) {
        channel_read(p, name);
    }
    if (in_images || p->channel >= 0)
        return true;
    place_free(p);
    return false;
}

/* Which channel is the PET; -1: none is. */
static int pet_channel(const struct place *p, const char *name)
{
    const struct nnunet_dataset *d = nnunet_dataset(p->root);
    if (autopet_name(name))
        return 1;
    for (int i = 0; i < NNUNET_CHANNELS; i++)
        if (speaks_of_pet(d->name[i]))
            return i;
    char *second = channel_file(p, name, 1);
    bool const two = second != NULL;
    free(second);
    return two ? 1 : strcasecmp(d->name[0], "CT") == 0 ? -1 : 0;
}

bool nnunet_is_label(const char *path)
{
    char *parent = path_parent(path), *real = realpath(parent, NULL), *root = path_parent(real ? real : parent);
    char *images = brother(real ? real : parent, root, "labels", "images");
    bool const is = images != NULL;
    free(images);
    free(root);
    free(real);
    free(parent);
    return is;
}

bool nnunet_knows(const char *path, bool *scan)
{
    struct place p;
    *scan = false;
    if (!place_of(path, &p))
        return false;
    bool const knows = p.channel >= 0;
    *scan = knows && p.channel == pet_channel(&p, path_base(path));
    place_free(&p);
    return knows;
}

static void channel_guess_tell(const struct place *p, const char *name)
{
    static char *told;
    const struct nnunet_dataset *d = nnunet_dataset(p->root);
    if (p->channel != 1 || speaks_of_pet(d->name[1]) || autopet_name(name) || (told && strcmp(told, p->images) == 0))
        return;
    free(told);
    told = xstrdup(p->images);
    log_warn("'%s': no channel is named PET in dataset.json: as autoPET has it, _0000 is taken for the CT and _0001 "
             "for the PET",
             p->images);
}

/* The truth lies in labels*, under its name without the channel. */
static void truth_in_labels(struct source *f, const struct place *p, const char *name, size_t stem)
{
    f->mask = image_beside(p->labels, name, stem, "");
    if (!f->mask && stem < p->stem)
        f->mask = image_beside(p->labels, name, p->stem, "");
    if (!f->mask)
        log_warn("'%s' has no truth in '%s'", f->label, p->labels);
}

bool nnunet_source(struct source *f, const char *path)
{
    struct place p;
    const char *name = path_base(path);
    if (!place_of(path, &p))
        return false;
    bool const ours = p.channel >= 0 || p.labels;
    size_t const stem = p.channel < 0 ? stem_without_kind(name, p.stem) : p.without;
    if (ours) {
        channel_guess_tell(&p, name);
        if (!autopet_who(f, name, stem))
            f->patient = xprintf("%.*s", (int)stem, name);
        if (!f->units && p.channel >= 0 && strcasestr(nnunet_dataset(p.root)->name[p.channel], "SUV"))
            f->units = xstrdup("SUV");
        if (p.labels)
            truth_in_labels(f, &p, name, stem);
        if (p.channel > 0)
            f->ct = channel_file(&p, name, 0);
        else
            ct_beside(f, p.images, name, p.stem);
    }
    place_free(&p);
    return ours;
}
