/* SPDX-License-Identifier: MIT */

/* All of the core.  Networking, HTTP and the matcher have headers of their own. */
#ifndef WEFT_H
#define WEFT_H

#include <weft/barrier.h>
#include <weft/base.h>
#include <weft/chan.h>
#include <weft/cond.h>
#include <weft/error.h>
#include <weft/event.h>
#include <weft/exec.h>
#include <weft/file.h>
#include <weft/future.h>
#include <weft/gather.h>
#include <weft/gen.h>
#include <weft/gen_ops.h>
#include <weft/group.h>
#include <weft/io.h>
#include <weft/local.h>
#include <weft/loops.h>
#include <weft/metrics.h>
#include <weft/mutex.h>
#include <weft/process.h>
#include <weft/random.h>
#include <weft/reader.h>
#include <weft/run.h>
#include <weft/scope.h>
#include <weft/select.h>
#include <weft/sem.h>
#include <weft/signal.h>
#include <weft/sim.h>
#include <weft/stats.h>
#include <weft/task.h>
#include <weft/terminal.h>
#include <weft/watch.h>

#endif
