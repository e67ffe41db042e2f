/** What libevent has to say goes where our own words go. */
#ifndef LIBRARY_LOG_H
#define LIBRARY_LOG_H

/** From now on. */
void library_log_begin(void);

#endif
