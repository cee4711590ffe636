/* Deprecated: everything this header once declared is in zmq.h. It stays for
 * programs that still include it. */

#ifndef __ZMQ_UTILS_H_INCLUDED__
#define __ZMQ_UTILS_H_INCLUDED__

#include "zmq.h"

#endif
