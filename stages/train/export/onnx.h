/* SPDX-License-Identifier: Apache-2.0 */
/* onnx -- backbone, PEB and classifier as an ONNX file, for whoever runs them elsewhere.   model ═▶ [train] ═▶ FILE.onnx
 *
 *     box (N,C,16,16,16), position (N,9)  ->  embedding (N,E); with a classifier: logits (N,2), probability (N,2)
 * box standardised and position in the form the model's recipe names; in evaluation mode; opset 17. Names of weights are
 * PyTorch's, as in the model file. */
#ifndef PETREL_STAGES_TRAIN_EXPORT_ONNX_H
#define PETREL_STAGES_TRAIN_EXPORT_ONNX_H
#include "stages/train/train.h"

/* The parts p has; a projection is left out. */
int onnx_write(const struct network_settings *s, struct params *p, const char *path, struct error *e) MUST_USE;
#endif
