/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A batch of records as a gzipped GeoJSON text sequence. Floor 4, pure.
 */
#include "trailkeep/bytes.h"
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"

int geojson_seq_write(const JournalBatch *batch, Bytes *ret) _must_check_;
