/* threads.h - what the other threads of this process are doing. */
#ifndef FERROZMQ_DIFF_THREADS_H
#define FERROZMQ_DIFF_THREADS_H

/* The processor time that all threads but this one have used. */
long long others_worked_ns (void);
/* Whether one of them runs, or would if there were a processor free. */
int others_awake (void);

#endif
