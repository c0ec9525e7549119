/* SPDX-License-Identifier: Apache-2.0 */
/* known -- what a run knows of itself, in sentences.   evaluation -> [known] -> card, sheet
 *
 * Each function writes what it knows of its subject to `to`; nothing at all where the run does not know. So nothing is claimed that was not
 * measured, set or read. */
#ifndef PETREL_EVAL_KNOWN_H
#define PETREL_EVAL_KNOWN_H
#include "stages/eval/evaluation.h"
#include <stdio.h>

/* What they look at: a model; and a report of it as its first model, or NULL. */
struct known {
    const struct model *model;
    const char *digest;     /* of the model's file */
    uint64_t parameters;    /* in the file */
    int64_t embedding;      /* width of its representation; 0: not known */
    const struct report *r; /* NULL: the model was not evaluated here */
};
typedef void known_of(const struct known *k, FILE *to);

#define KNOWN_SUBJECTS(ROW)                                                                                            \
    ROW(technology)       /* the category of model, and what it is for */                                              \
    ROW(goal)             /* what was done here: learned, tested where */                                              \
    ROW(sources)          /* scans, patients, cohort, scanners */                                                      \
    ROW(refused)          /* scans that were refused, and why */                                                       \
    ROW(preprocessing)    /* SUV, spacing, crop, boxes */                                                              \
    ROW(regions)          /* how regions were found, and which are left out */                                         \
    ROW(names)            /* what a cache keeps of who a patient is */                                                 \
    ROW(missing)          /* what happens to missing values */                                                         \
    ROW(acquisition)      /* grids, tracers, times */                                                                  \
    ROW(reference)        /* what makes a region a tumour */                                                           \
    ROW(partition)        /* train, validation, test */                                                                \
    ROW(disjoint)         /* by patient */                                                                             \
    ROW(model_text)       /* the network */                                                                            \
    ROW(software)         /* version, commit */                                                                        \
    ROW(initial)          /* weights before training */                                                                \
    ROW(training)         /* method, optimiser, augmentation, lengths */                                               \
    ROW(selection)        /* which epoch */                                                                            \
    ROW(ensemble)         /* one network */                                                                            \
    ROW(metrics)          /* what is measured */                                                                       \
    ROW(uncertainty)      /* intervals and tests */                                                                    \
    ROW(strata_text)      /* by volume, SUV, height, organ, scanner */                                                 \
    ROW(explanation)      /* maps, neighbours, pictures */                                                             \
    ROW(internal)         /* figures on validation and test */                                                         \
    ROW(by_set)           /* AUC on training, validation, test */                                                      \
    ROW(external)         /* another cohort, or none */                                                                \
    ROW(flow)             /* from scans to regions */                                                                  \
    ROW(people)           /* age, sex, diagnosis by split */                                                           \
    ROW(performance)      /* the figures with intervals */                                                             \
    ROW(calibration_text) /* slope, intercept, Brier, temperature */                                                   \
    ROW(failures)         /* the confusion, lesions no region covers */                                                \
    ROW(limits)           /* what speaks against it */                                                                 \
    ROW(availability)     /* digests, licence of the program */                                                        \
    ROW(imbalance)        /* pairs, draws, loss */                                                                     \
    ROW(output)           /* probability, threshold */                                                                 \
    ROW(baselines_text)   /* against what needs no model */                                                            \
    ROW(predictors)       /* what goes in */                                                                           \
    ROW(scaling)          /* standardisation */                                                                        \
    ROW(resampling)       /* spacing */                                                                                \
    ROW(input_trouble)    /* what happens to bad input */                                                              \
    ROW(users)            /* what a user must do */                                                                    \
    ROW(reproduction)     /* how to get it again */
/* What has to be said of who was asked about: a space and the warning, "" where all are patients the model has not seen. The caller's. */
char *known_warning(const struct known *k) MUST_USE;
#define KNOWN_DECLARED(name) known_of known_##name;
KNOWN_SUBJECTS(KNOWN_DECLARED)
#endif
