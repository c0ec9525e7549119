/* SPDX-License-Identifier: Apache-2.0 */
/* jpeg2000 -- one grey image of a JPEG 2000 codestream; the only user of OpenJPEG.   dicom -> [jpeg2000] */
#include "stages/load/jpeg2000.h"
#include <openjpeg.h>
#include <string.h>

/* ---- the codestream as OpenJPEG reads it ---- */

struct reading {
    const uint8_t *code;
    size_t size, at;
};

static OPJ_SIZE_T read_some(void *to, OPJ_SIZE_T wanted, void *user)
{
    struct reading *r = user;
    size_t const left = r->size - r->at, got = wanted < left ? wanted : left;
    if (got == 0)
        return (OPJ_SIZE_T)-1; /* the end, as it wants to be told */
    memcpy(to, r->code + r->at, got);
    r->at += got;
    return got;
}

static OPJ_OFF_T skip_some(OPJ_OFF_T wanted, void *user)
{
    struct reading *r = user;
    size_t const left = r->size - r->at;
    if (wanted < 0)
        return -1;
    size_t const got = (size_t)wanted < left ? (size_t)wanted : left;
    r->at += got;
    return (OPJ_OFF_T)got;
}

static OPJ_BOOL seek_to(OPJ_OFF_T to, void *user)
{
    struct reading *r = user;
    if (to < 0 || (size_t)to > r->size)
        return OPJ_FALSE;
    r->at = (size_t)to;
    return OPJ_TRUE;
}

/* What OpenJPEG complains of first, without its line's end. */
static void complaint_note(const char *text, void *user)
{
    char *first = user;
    if (*first == '\0')
        format_into(first, 100, "%.*s", (int)(strcspn(text, "\n") < 90 ? strcspn(text, "\n") : 90), text);
}

static void remark_drop(const char *text, void *user)
{
    (void)text;
    (void)user;
}

/* ---- decoding ---- */

static int header_check(const opj_image_t *image, size_t rows, size_t columns, struct error *e)
{
    const opj_image_comp_t *grey = image->comps;
    if (image->numcomps != 1)
        return fail(e, "its codestream has %u components: a PET image has 1", image->numcomps);
    if (grey->w != columns || grey->h != rows || grey->dx != 1 || grey->dy != 1)
        return fail(e, "its codestream has %u rows of %u columns, its header %zu of %zu", grey->h, grey->w, rows,
                    columns);
    if (grey->prec < 1 || grey->prec > 16)
        return fail(e, "its codestream has %u bits a pixel: 1 to 16 are read", grey->prec);
    return 0;
}

static void values_copy(const opj_image_comp_t *grey, bool is_signed, size_t count, int32_t *to)
{
    int32_t const half = (int32_t)1 << (grey->prec - 1), all = 2 * half - 1;
    for (size_t i = 0; i < count; i++) {
        int32_t const bits = grey->data[i] & all;
        to[i] = is_signed && bits >= half ? bits - 2 * half : bits;
    }
}

int jpeg2000_decode(const uint8_t *code, size_t size, size_t rows, size_t columns, bool is_signed, int32_t *to,
                    struct error *e)
{
    static const uint8_t jp2[] = {0, 0, 0, 12, 'j', 'P', ' ', ' '};
    struct reading reading = {code, size, 0};
    char complaint[100] = "";
    opj_dparameters_t parameters;
    opj_image_t *image = NULL;
    int rc = -1;
    bool const boxed = size >= sizeof jp2 && memcmp(code, jp2, sizeof jp2) == 0;
    opj_codec_t *codec = opj_create_decompress(boxed ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
    opj_stream_t *stream = opj_stream_create(1 << 16, OPJ_TRUE);
    if (!codec || !stream) {
        fail_as(e, EX_OSERR, "no memory for a JPEG 2000 decoder");
        goto out;
    }
    opj_stream_set_user_data(stream, &reading, NULL);
    opj_stream_set_user_data_length(stream, size);
    opj_stream_set_read_function(stream, read_some);
    opj_stream_set_skip_function(stream, skip_some);
    opj_stream_set_seek_function(stream, seek_to);
    opj_set_error_handler(codec, complaint_note, complaint);
    opj_set_warning_handler(codec, remark_drop, NULL);
    opj_set_info_handler(codec, remark_drop, NULL);
    opj_set_default_decoder_parameters(&parameters);
    if (!opj_setup_decoder(codec, &parameters) || !opj_decoder_set_strict_mode(codec, OPJ_TRUE) ||
        !opj_read_header(stream, codec, &image)) {
        fail(e, "its JPEG 2000 codestream is damaged at its head (%s)", *complaint ? complaint : "no more is known");
        goto out;
    }
    if (header_check(image, rows, columns, e) < 0)
        goto out;
    if (!opj_decode(codec, stream, image) || !opj_end_decompress(codec, stream) || !image->comps[0].data) {
        fail(e, "its JPEG 2000 codestream is damaged or cut short (%s)", *complaint ? complaint : "no more is known");
        goto out;
    }
    values_copy(image->comps, is_signed, rows * columns, to);
    rc = 0;
out:
    opj_image_destroy(image);
    if (stream)
        opj_stream_destroy(stream);
    if (codec)
        opj_destroy_codec(codec);
    return rc;
}
