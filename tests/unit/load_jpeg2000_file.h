/* SPDX-License-Identifier: Apache-2.0 */
/* load_jpeg2000_file -- JPEG 2000 codestreams by OpenJPEG's encoder, for the tests of load.   tests/unit */
#ifndef PETREL_TESTS_LOAD_JPEG2000_FILE_H
#define PETREL_TESTS_LOAD_JPEG2000_FILE_H
#include "common/file.h"
#include <openjpeg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOSSLESS "1.2.840.10008.1.2.4.90"
#define LOSSY    "1.2.840.10008.1.2.4.91"

struct jpeg2000_coding {
    unsigned rows, columns, components, bits;
    bool is_signed, boxed, lossy;
};

/* The codestream of rows * columns values, each component the same. dir: where a file may be made and is taken away again. */
static struct buffer jpeg2000_encode(const char *dir, const int32_t *value, struct jpeg2000_coding c)
{
    char *path = path_join(dir, "codestream");
    struct buffer code = {0};
    struct error e = {0};
    opj_cparameters_t p;
    opj_image_cmptparm_t part[3] = {0};
    opj_set_default_encoder_parameters(&p);
    p.numresolution = 3;
    p.irreversible = c.lossy;
    p.tcp_numlayers = 1;
    p.cp_disto_alloc = 1;
    p.tcp_rates[0] = c.lossy ? 2 : 0;
    for (unsigned i = 0; i < c.components; i++)
        part[i] = (opj_image_cmptparm_t){
            .dx = 1, .dy = 1, .w = c.columns, .h = c.rows, .prec = c.bits, .bpp = c.bits, .sgnd = c.is_signed};
    opj_image_t *image = opj_image_create(c.components, part, c.components == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY);
    image->x1 = c.columns;
    image->y1 = c.rows;
    for (unsigned i = 0; i < c.components; i++)
        memcpy(image->comps[i].data, value, sizeof(int32_t) * c.rows * c.columns);
    opj_codec_t *codec = opj_create_compress(c.boxed ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
    bool good = opj_setup_encoder(codec, &p, image);
    opj_stream_t *to = opj_stream_create_default_file_stream(path, OPJ_FALSE);
    good = good && to && opj_start_compress(codec, image, to) && opj_encode(codec, to) && opj_end_compress(codec, to);
    opj_stream_destroy(to);
    opj_destroy_codec(codec);
    opj_image_destroy(image);
    if (!good || file_read(path, 1 << 24, &code, &e) < 0)
        abort();
    unlink(path);
    free(path);
    return code;
}
#endif
