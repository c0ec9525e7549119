/* SPDX-License-Identifier: Apache-2.0 */
/* network -- the whole network from plain settings: encoder (backbone, PEB), projection, classifier.   kernels/nets
 *
 *     box (N,C,S,S,S) -> backbone -> y (N,E) --> norm -+
 *     position (N,P) * w -> Linear -> q (N,E) -> norm -+-> concat (N,2E) -> Linear -> embedding (N,E)     without PEB:
 *     embedding = y embedding -> Linear(K, no bias) -> BN -> ReLU -> Linear(K) -> z          pretraining
 *     embedding -> Linear(H) -> ReLU|GELU -> Linear(2) -> logits               classifier
 *     late fusion: box (N,2,S,S,S) -> PET (N,1,S,S,S) -> backbone    -> (N,E) -+
 *                                     CT  (N,1,S,S,S) -> backbone_ct -> (N,E) -+-> y (N,F), F = 2 E; then as above, the PEB's mix
 *                                     from F + E
 * The input position is the whole vector, (N,9): the network takes what it wants of it.
 * E is the backbone's to say. Names are PyTorch's: backbone.conv1.weight, peb.weight, projection.0.weight, classifier.0.weight, ...
 * */
#ifndef PETREL_KERNELS_NETS_NETWORK_H
#define PETREL_KERNELS_NETS_NETWORK_H
#include "kernels/nets/backbone.h"

enum peb_norm { PEB_LAYER, PEB_L2 };
/* The position vector is three parts of three numbers; bit i of a set of parts: numbers 3 i to 3 i + 2. */
enum { NETWORK_POSITION = 9, NETWORK_PART = 3, NETWORK_PARTS = 7, NETWORK_CLASSES = 2 };
struct network_settings {
    const struct backbone *backbone;
    struct backbone_settings own; /* of the backbone; network_backbone, network_set */
    int channels, box[3];         /* C; D H W */
    bool late_fusion;             /* of two channels: a backbone for each, their features side by side */
    bool position;                /* PEB */
    unsigned position_parts;      /* which of it the PEB sees, P numbers; the input has them all */
    enum peb_norm peb_norm;
    int projection_width;   /* K, 2048 */
    int projection_outputs; /* of z; 0: K, which network_outputs says */
    int classifier_hidden;  /* H, 128 */
    bool classifier_gelu;
};
/* Which parts a tape holds. */
enum {
    NETWORK_BACKBONE = 1,
    NETWORK_PEB = 2, /* where the settings have one */
    NETWORK_PROJECTION = 4,
    NETWORK_CLASSIFIER = 8,
    NETWORK_ENCODER = NETWORK_BACKBONE | NETWORK_PEB
};
/* Values of the tape; -1 where there is none. Without NETWORK_BACKBONE, features are an input of rows; without a PEB, embedding is
 * features. */
struct network_values {
    int box, position, features, embedding, z, logits, kept; /* kept: a second value that a method's loss looks at */
};

void network_defaults(struct network_settings *s); /* METHOD.md 2: ResNet18 on 16^3 */
/* Another backbone, with its settings as they are where nobody says otherwise; then one of them, as a recipe file has it. -1 and a
 * sentence: no such backbone; it has no such setting. */
int network_backbone(struct network_settings *s, const char *name, struct error *e) MUST_USE;
int network_set(struct network_settings *s, const char *key, const char *text, struct error *e) MUST_USE;
int network_check(const struct network_settings *s, struct error *e) MUST_USE;
int network_features(const struct network_settings *s);  /* width of what the backbone gives, or both: F */
int network_embedding(const struct network_settings *s); /* with a PEB what one backbone gives, E; else F */
int network_outputs(const struct network_settings *s);   /* width of z */
/* Puts the parts on the tape, unsealed. Settings must have passed network_check. */
struct network_values network_build(struct tape *t, const struct network_settings *s, unsigned parts);
#endif
