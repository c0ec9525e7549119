/* SPDX-License-Identifier: Apache-2.0 */
/* foreign -- numbers as some other program's file holds them: any alignment, either byte order.   common */
#ifndef PETREL_COMMON_FOREIGN_H
#define PETREL_COMMON_FOREIGN_H
#include "common/base.h"

/* The number at an address that need not be aligned, in this machine's byte order. */
double foreign_u8(const uint8_t *at);
double foreign_i8(const uint8_t *at);
double foreign_i16(const uint8_t *at);
double foreign_u16(const uint8_t *at);
double foreign_i32(const uint8_t *at);
double foreign_u32(const uint8_t *at);
double foreign_i64(const uint8_t *at);
double foreign_u64(const uint8_t *at);
double foreign_f32(const uint8_t *at);
double foreign_f64(const uint8_t *at);
/* `count` such numbers as floats, each times slope plus inter; to and at do not overlap. */
typedef void foreign_floats(const uint8_t *at, size_t count, double slope, double inter, float *to);
foreign_floats foreign_floats_u8, foreign_floats_i8, foreign_floats_i16, foreign_floats_u16, foreign_floats_i32,
    foreign_floats_u32, foreign_floats_i64, foreign_floats_u64, foreign_floats_f32, foreign_floats_f64;
/* Index of the first that is no number or infinite; count: none is. */
size_t floats_bad(const float *v, size_t count);
/* `count` numbers of `width` bytes from one byte order to the other, in place. */
void foreign_swap(uint8_t *at, size_t count, size_t width);
#endif
