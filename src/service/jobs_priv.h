/* SPDX-License-Identifier: MIT */

/* What the table of jobs and their workers share.  The lock is held, but for job_drop. */
#ifndef WF_SERVICE_JOBS_PRIV_H
#define WF_SERVICE_JOBS_PRIV_H

#include "service/jobs.h"

/* Tells those who watch. */
void job_change(struct job *job);

void job_end(struct jobs *jobs, struct job *job, enum job_state state);
void job_say(struct job *job, int rc, const char *text);

/* Gives back what a job needs only until it is over, and a reference.  The lock is not held: this
 * may wait. */
WEFT_WAITS void job_drop(struct jobs *jobs, struct job *job);

#endif
