/* SPDX-License-Identifier: MIT */

/* Columns: what the first record of CSV or TSV says, how fields are separated and what they are
 * called. */
#ifndef WF_COLUMNS_H
#define WF_COLUMNS_H

#include "catalog/records.h"

/* Reads it, and makes the splitter ready for what follows.  0, or negative with *error; also if a
 * column is not there without which the file is of no use. */
int wf_columns_read(wf_records *records, weft_catalog_error *error);

#endif
