/* SPDX-License-Identifier: Apache-2.0 */
/* registry -- the channel's files in the run directory: who listens where, END, FAILED.   proto
 *
 *     RUN/FAILED   RUN/channels/NAME/HOST-PID-HEX.giver   RUN/channels/NAME.end   RUN/channels/keys/HEX */
#ifndef PETREL_PROTO_REGISTRY_H
#define PETREL_PROTO_REGISTRY_H
#include "common/file.h"
#include "proto/channel.h"

enum { KEY_HEX = 65, ENDPOINT_MAX = 200 };

/* What a giver publishes of itself. */
struct registered {
    char file[192];              /* its name in the channel's directory */
    char endpoint[ENDPOINT_MAX]; /* "ipc:///..." or "tcp://host:port" */
    char key[KEY_HEX];           /* public CURVE key; "" on ipc */
    char host[65];
    long pid;
};

struct registry {
    char *run, *channels;   /* RUN, RUN/channels; absolute */
    char *dir, *keys, *end; /* RUN/channels/NAME, RUN/channels/keys, RUN/channels/NAME.end */
    int fd;                 /* RUN/channels, kept open: tells a removed directory from a new one of its name */
    char *own;              /* what this process published and has to take away; NULL: nothing */
};

/* Makes the directories that are not there yet. */
int registry_open(struct registry *r, const char *run_dir, const char *name, struct error *e) MUST_USE;
void registry_close(struct registry *r); /* takes away what was published */
/* 0: go on; -1: the run failed, or its directory is gone or another's. */
int registry_check(const struct registry *r, struct error *e) MUST_USE;

/* Giver: file, host and pid are filled in here. Publishing removes dead givers of this host. */
int registry_publish(struct registry *r, struct registered *me, struct error *e) MUST_USE;
void registry_withdraw(struct registry *r);
int registry_end(struct registry *r, struct error *e) MUST_USE; /* leaves NAME.end */
void registry_begin_anew(struct registry *r);                   /* takes it away */
bool registry_ended(const struct registry *r);
/* Taker: names of the files of all givers, and one of them read. */
int registry_list(const struct registry *r, struct names *files, struct error *e) MUST_USE;
int registry_read(const struct registry *r, const char *file, struct registered *who, struct error *e) MUST_USE;

/* The allow-list: takers publish their public keys; a giver asks. hex: 64 digits. */
int registry_allow(struct registry *r, const char *hex, struct error *e) MUST_USE;
bool registry_allows(const struct registry *r, const char *hex);

/* A path for an ipc socket, in a directory of ours with mode 0700, short enough for a socket address (107 bytes). */
int registry_socket_path(char path[ENDPOINT_MAX], struct error *e) MUST_USE;
/* This machine's name, as published. */
void registry_host(char host[65]);
#endif
