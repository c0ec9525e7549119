/* SPDX-License-Identifier: Apache-2.0 */
/* eigen3 -- eigenvalues and vectors of a symmetric 3x3 matrix.   position -> [eigen3] */
#ifndef PETREL_ROI_EIGEN3_H
#define PETREL_ROI_EIGEN3_H

/* Cyclic Jacobi rotations in double. value[] ascending; vector[i] is the unit eigenvector of value[i]. Equal values keep the
 * order of the axes they came from; signs are what they come out as. A diagonal matrix gives exact unit vectors. */
void eigen3(double matrix[3][3], double value[3], double vector[3][3]);
/* The same with the signs that ITK's solver leaves (eigen_ql.c). */
void eigen3_itk(double matrix[3][3], double value[3], double vector[3][3]);
#endif
