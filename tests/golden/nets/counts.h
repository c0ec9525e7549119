/* SPDX-License-Identifier: Apache-2.0 */
/* counts -- parameters of each backbone as its library has it, for one channel; make.py beside this: torch 1.13.0a0, monai 1.0.1 */
{"resnet10", 14355520},
{"resnet18", 33160000},
{"resnet34", 63469632},
{"resnet50", 46155072},
{"seresnet50", 48686064},
{"efficientnet_b0", 4688380},
{"vit", 85429248},
{"densenet", 7378560},
{"cnn_var", 56352},
{"cnn_var2", 1163040},
{"alexnet", 6755264},
{"r2plus1d_18", 31295715},
