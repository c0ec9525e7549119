/* SPDX-License-Identifier: Apache-2.0 */
/* model_adopt -- weights from elsewhere under our names: MONAI, 3D-ResNets-PyTorch, Med3D.   FILE ═▶ [model] -> train
 *
 *     module.conv1.weight          a network that was trained on several GPUs: "module." goes
 *     conv1.weight                 a bare backbone: "backbone." comes before every name
 *     fc.weight                    what stands on the backbone in that library (struct backbone's head): left out, and said
 *     ....downsample.0.bias        MONAI's shortcut convolution has a bias, ours and the paper's count have none. The
 *                                  norm behind it takes its mean away again: running_mean less the bias is the same
 *                                  network, in evaluation and in training. Any other bias we have not is refused
 *                                  by name (model_load): there is nothing behind it that takes it away again. */
#include "common/log.h"
#include "stages/model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* is it named as a part of a network of ours? */
static bool part_of_ours(const char *name)
{
    static const char *const parts[] = {"backbone.", "peb.", "projection.", "classifier."};
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (!strncmp(name, parts[i], strlen(parts[i])))
            return true;
    return false;
}

/* Are none of its names ours, which is a bare backbone's? */
static bool drop_module(struct safetensors *s)
{
    static const char module[] = "module.";
    bool bare = true;
    for (size_t i = 0; i < s->tensor_count; i++) {
        char *name = s->tensor[i].name;
        if (!strncmp(name, module, strlen(module)))
            memmove(name, name + strlen(module), strlen(name) - strlen(module) + 1);
        bare = bare && !part_of_ours(name);
    }
    return bare;
}

static int name_backbone(struct safetensors *s, const char *path, struct error *e)
{
    for (size_t i = 0; i < s->tensor_count; i++) {
        char longer[sizeof s->tensor[i].name + 16];
        format_into(longer, sizeof longer, "backbone.%s", s->tensor[i].name);
        if (strlen(longer) >= sizeof s->tensor[i].name)
            return fail(e, "'%s': tensor '%s' has too long a name", path, s->tensor[i].name);
        memcpy(s->tensor[i].name, longer, strlen(longer) + 1);
    }
    return 0;
}

/* the running mean of the norm behind the bias of a ResNet's shortcut; NULL: it is no such bias */
static struct tensor_entry *mean_behind(struct safetensors *s, const struct tensor_entry *bias)
{
    int layer, block, used = 0;
    char name[sizeof bias->name];
    if (sscanf(bias->name, "backbone.layer%1d.%2d.downsample.0.bias%n", &layer, &block, &used) != 2 || !used ||
        bias->name[used])
        return NULL;
    format_into(name, sizeof name, "backbone.layer%d.%d.downsample.1.running_mean", layer, block);
    for (size_t i = 0; i < s->tensor_count; i++) {
        struct tensor_entry *t = &s->tensor[i];
        if (!strcmp(t->name, name) && t->type == TENSOR_F32 && bias->type == TENSOR_F32 &&
            tensor_count(t) == tensor_count(bias))
            return t;
    }
    return NULL;
}

static bool heads_backbone(const char *name)
{
    for (size_t i = 0; backbone_at(i); i++) {
        const char *head = backbone_at(i)->head;
        size_t length = head ? strlen(head) : 0;
        if (head && !strncmp(name, "backbone.", 9) && !strncmp(name + 9, head, length) && name[9 + length] == '.')
            return true;
    }
    return false;
}

static void drop_heads(struct safetensors *s, const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->tensor_count; i++) {
        struct tensor_entry t = s->tensor[i];
        if (heads_backbone(t.name))
            log_note("'%s': '%s' stands on the backbone and is left out", path, t.name + 9);
        else
            s->tensor[kept++] = t;
    }
    s->tensor_count = kept;
}

static void fold_shortcut_biases(struct safetensors *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->tensor_count; i++) {
        const struct tensor_entry *mean = mean_behind(s, &s->tensor[i]);
        if (mean) { /* both lie in the memory s read the file into */
            float *to = (float *)(uintptr_t)mean->data;
            const float *bias = s->tensor[i].data;
            for (size_t c = 0; c < tensor_count(mean); c++)
                to[c] -= bias[c];
        }
    }
    for (size_t i = 0; i < s->tensor_count; i++)
        if (!mean_behind(s, &s->tensor[i])) {
            struct tensor_entry keep = s->tensor[i];
            s->tensor[kept++] = keep;
        }
    s->tensor_count = kept;
}

int model_read(struct safetensors *s, const char *path, struct error *e)
{
    if (safetensors_read(s, path, e))
        return -1;
    bool ours = safetensors_get(s, "petrel");
    if (ours ? model_expand(s, path, e) : drop_module(s) && name_backbone(s, path, e)) {
        safetensors_free(s);
        return -1;
    }
    if (ours && !safetensors_summed(s))
        log_note("'%s' has no sum: another program changed it, and damage to it would not be seen", path);
    if (!ours) {
        drop_heads(s, path);
        fold_shortcut_biases(s);
    }
    return 0;
}
