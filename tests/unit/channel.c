/* SPDX-License-Identifier: Apache-2.0 */
/* channel -- order, credit, windows, many givers and takers, END, failure, repeats, strangers. */
#include "common/file.h"
#include "proto/arrived.h"
#include "proto/control_frame.h"
#include "proto/registry.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>
#include <cmocka.h>

static const double SOON_S = 20; /* long enough for any machine: nobody waits so long unless something is wrong */

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/petrel-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    dir_remove(dir);
    return 0;
}

static struct channel_options options(void)
{
    struct channel_options o;
    channel_defaults(&o);
    o.run_dir = dir;
    o.name = "test";
    o.window = 100;
    o.heartbeat_s = 0.1;
    o.silence_s = 1;
    return o;
}

static struct giver *open_giver(struct channel_options o)
{
    struct giver *g;
    struct error e = {0};
    if (giver_open(&g, &o, &e))
        fail_msg("%s", e.text);
    return g;
}

static struct taker *open_taker(struct channel_options o)
{
    struct taker *t;
    struct error e = {0};
    if (taker_open(&t, &o, &e))
        fail_msg("%s", e.text);
    return t;
}

static struct item_key key_of(uint64_t index)
{
    return (struct item_key){7, index};
}

/* An item whose bytes follow from its key. */
static void put(struct giver *g, uint64_t index)
{
    struct error e = {0};
    struct buffer b = {.data = xalloc(100, 1), .size = 100};
    for (size_t i = 0; i < b.size; i++)
        b.data[i] = (uint8_t)(index * 31 + i);
    if (giver_put(g, key_of(index), &b, &e))
        fail_msg("%s", e.text);
    assert_null(b.data);
}

static void assert_item(struct taken *item)
{
    assert_int_equal(item->key.run, 7);
    assert_int_equal(item->bytes.size, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(item->bytes.data[i], (uint8_t)(item->key.index * 31 + i));
    buffer_free(&item->bytes);
}

static struct taken take(struct taker *t)
{
    struct taken item;
    struct error e = {0};
    int got = taker_take(t, &item, SOON_S, &e);
    if (got != 1)
        fail_msg("took nothing (%d): %s", got, e.text);
    assert_item(&item);
    return item;
}

static void assert_end(struct taker *t)
{
    struct taken item;
    struct error e = {0};
    assert_int_equal(taker_take(t, &item, SOON_S, &e), TAKER_END);
}

static void end(struct giver *g)
{
    struct error e = {0};
    if (giver_end(g, &e))
        fail_msg("%s", e.text);
}

/* ---- one giver, one taker ---- */

static void test_order_and_end(void **state)
{
    (void)state;
    struct giver *g = open_giver(options());
    struct taker *t = open_taker(options());
    for (uint64_t i = 0; i < 20; i++)
        put(g, i);
    for (uint64_t i = 0; i < 20; i++) {
        struct taken item = take(t);
        assert_int_equal(item.key.index, i);
        taker_acknowledge(t, item.lease);
        taker_acknowledge(t, item.lease); /* saying it twice does no harm */
    }
    for (uint64_t i = 0; i < 20; i++) {
        struct item_key key;
        assert_int_equal(giver_acknowledged(g, &key, SOON_S, NULL), 1);
        assert_int_equal(key.index, i);
    }
    assert_int_equal(giver_pending(g), 0);
    end(g);
    giver_close(&g);
    assert_null(g);
    assert_end(t);
    taker_close(&t);
    /* whoever comes later finds the end, too */
    t = open_taker(options());
    assert_end(t);
    taker_close(&t);
}

static void *put_ten(void *g)
{
    for (uint64_t i = 0; i < 10; i++)
        put(g, i);
    return NULL;
}

static void test_window_bounds(void **state)
{
    (void)state;
    struct channel_options o = options();
    o.window = 3;
    struct giver *g = open_giver(o);
    o.credits = 50;
    struct taker *t = open_taker(o);
    struct taken item[10];
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, put_ten, g), 0);
    for (int i = 0; i < 3; i++)
        item[i] = take(t);
    assert_int_equal(giver_pending(g), 3);
    for (int i = 3; i < 10; i++) {
        struct taken none;
        assert_int_equal(taker_take(t, &none, 0.05, NULL), 0); /* nothing beyond the window */
        taker_acknowledge(t, item[i - 3].lease);
        item[i] = take(t);
    }
    for (int i = 7; i < 10; i++)
        taker_acknowledge(t, item[i].lease);
    pthread_join(thread, NULL);
    end(g);
    assert_end(t);
    giver_close(&g);
    taker_close(&t);
}

/* Items sent ahead stop at the credit: a second taker gets the rest. */
static void test_credit_bounds(void **state)
{
    (void)state;
    struct channel_options o = options();
    struct taken none;
    o.credits = 2;
    struct taker *idle = open_taker(o), *busy = NULL;
    struct giver *g = open_giver(o);
    for (uint64_t i = 0; i < 8; i++)
        put(g, i);
    struct taken first = take(idle); /* so idle holds three: one taken, two ahead */
    for (struct item_key key; giver_acknowledged(g, &key, 0.3, NULL) != 0;)
        ;
    busy = open_taker(o);
    for (int i = 0; i < 5; i++)
        taker_acknowledge(busy, take(busy).lease);
    assert_int_equal(taker_take(busy, &none, 0.05, NULL), 0);
    assert_int_equal(giver_pending(g), 3);
    taker_close(&idle); /* gives back all three */
    for (int i = 0; i < 3; i++)
        taker_acknowledge(busy, take(busy).lease);
    assert_int_equal(first.key.index, 0);
    end(g);
    assert_end(busy);
    taker_close(&busy);
    giver_close(&g);
}

static void test_repeat_and_drop(void **state)
{
    (void)state;
    struct giver *g = open_giver(options());
    put(g, 1);
    put(g, 1);
    assert_int_equal(giver_pending(g), 1);
    put(g, 2);
    giver_drop(g, key_of(1));
    giver_drop(g, key_of(99));
    assert_int_equal(giver_pending(g), 1);
    struct taker *t = open_taker(options());
    struct taken item = take(t);
    assert_int_equal(item.key.index, 2);
    taker_acknowledge(t, item.lease);
    end(g);
    assert_end(t);
    taker_close(&t);
    giver_close(&g);
}

static void test_large(void **state)
{
    (void)state;
    struct channel_options o = options();
    struct error e = {0};
    size_t words = (size_t)10 << 20;
    uint64_t *word = xalloc(words, sizeof *word), state64 = 88172645463325252u;
    for (size_t i = 0; i < words; i++) {
        state64 ^= state64 << 13, state64 ^= state64 >> 7, state64 ^= state64 << 17;
        word[i] = state64;
    }
    struct buffer b = {.data = (uint8_t *)word, .size = words * sizeof *word}, empty = {0};
    size_t size = b.size;
    uint64_t sum = bytes_xxh3(b.data, size);
    struct giver *g = open_giver(o);
    struct taker *t = open_taker(o);
    struct taken item;
    assert_int_equal(giver_put(g, key_of(0), &b, &e), 0);
    assert_int_equal(giver_put(g, key_of(1), &empty, &e), 0);
    assert_int_equal(taker_take(t, &item, SOON_S, &e), 1);
    assert_int_equal(item.bytes.size, size);
    b = item.bytes;
    assert_int_equal(taker_take(t, &item, SOON_S, &e), 1);
    assert_int_equal(item.bytes.size, 0);
    buffer_free(&item.bytes);
    giver_close(&g);
    taker_close(&t);

    /* what was received outlives its channel, and can be passed on as it is */
    assert_true(bytes_xxh3(b.data, b.size) == sum);
    g = open_giver(o);
    t = open_taker(o);
    assert_int_equal(giver_put(g, key_of(2), &b, &e), 0);
    assert_null(b.data);
    assert_int_equal(taker_take(t, &item, SOON_S, &e), 1);
    assert_true(item.bytes.size == size && bytes_xxh3(item.bytes.data, item.bytes.size) == sum);
    buffer_free(&item.bytes);
    giver_close(&g);
    taker_close(&t);

    o.max_message = 1000;
    g = open_giver(o);
    b = (struct buffer){.data = xalloc(1001, 1), .size = 1001};
    assert_int_equal(giver_put(g, key_of(0), &b, &e), -1);
    assert_non_null(strstr(e.text, "1001 bytes"));
    giver_close(&g);
}

/* ---- several ---- */

enum { SIDE = 3, EACH = 40 };

static void *give_share(void *argument)
{
    struct channel_options o = options();
    o.window = 5;
    struct giver *g = open_giver(o);
    for (uint64_t i = 0; i < EACH; i++)
        put(g, *(uint64_t *)argument * EACH + i);
    end(g);
    giver_close(&g);
    return NULL;
}

static void *take_share(void *argument)
{
    uint64_t *seen = argument;
    struct taker *t = open_taker(options());
    struct taken item;
    struct error e = {0};
    while (taker_take(t, &item, SOON_S, &e) == 1) {
        __atomic_add_fetch(&seen[item.key.index], 1, __ATOMIC_RELAXED);
        assert_item(&item);
        taker_acknowledge(t, item.lease);
    }
    taker_close(&t);
    return NULL;
}

static void test_many(void **state)
{
    (void)state;
    uint64_t number[SIDE], seen[SIDE * EACH] = {0};
    pthread_t giving[SIDE], taking[SIDE];
    for (uint64_t i = 0; i < SIDE; i++) {
        number[i] = i;
        assert_int_equal(pthread_create(&giving[i], NULL, give_share, &number[i]), 0);
    }
    /* all sources have registered before takers come, so none of them can end before another began */
    for (size_t there = 0; there < SIDE; usleep(10000)) {
        struct registry r;
        struct names files;
        assert_int_equal(registry_open(&r, dir, "test", NULL), 0);
        assert_int_equal(registry_list(&r, &files, NULL), 0);
        there = files.count;
        names_free(&files);
        registry_close(&r);
    }
    for (int i = 0; i < SIDE; i++)
        assert_int_equal(pthread_create(&taking[i], NULL, take_share, seen), 0);
    for (int i = 0; i < SIDE; i++) {
        pthread_join(giving[i], NULL);
        pthread_join(taking[i], NULL);
    }
    for (int i = 0; i < SIDE * EACH; i++)
        assert_int_equal(seen[i], 1);
}

/* Many givers do not mean many items ahead: one place or so each, and the rest goes to who has room. */
static void test_credit_shared(void **state)
{
    (void)state;
    enum { GIVERS = 6, EACH_PUTS = 4 };
    struct giver *g[GIVERS];
    struct taken item;
    size_t taken = 0;
    struct taker *busy = open_taker(options());
    for (uint64_t i = 0; i < GIVERS; i++) {
        g[i] = open_giver(options());
        for (uint64_t j = 0; j < EACH_PUTS; j++)
            put(g[i], i * EACH_PUTS + j);
    }
    take(busy); /* and works on it for ever */
    struct taker *other = open_taker(options());
    for (; taken < GIVERS * EACH_PUTS && taker_take(other, &item, 1, NULL) == 1; taken++) {
        assert_item(&item);
        taker_acknowledge(other, item.lease);
    }
    assert_true(taken >= GIVERS * EACH_PUTS - 3 * GIVERS);
    assert_true(taken < GIVERS * EACH_PUTS);
    taker_close(&busy);
    for (; taken < GIVERS * EACH_PUTS; taken++)
        taker_acknowledge(other, take(other).lease);
    for (int i = 0; i < GIVERS; i++) {
        end(g[i]);
        giver_close(&g[i]);
    }
    assert_end(other);
    taker_close(&other);
}

/* ---- restarts ---- */

static void test_giver_restarts(void **state)
{
    (void)state;
    struct taker *t = open_taker(options());
    struct giver *g = open_giver(options());
    put(g, 0);
    struct taken lost = take(t);
    giver_close(&g);
    g = open_giver(options());
    put(g, 0);
    struct taken item = take(t);
    assert_int_equal(item.key.index, 0);
    assert_true(item.lease != lost.lease);
    taker_acknowledge(t, lost.lease); /* of a giver that is gone: harmless */
    taker_acknowledge(t, item.lease);
    end(g);
    assert_end(t);
    giver_close(&g);
    taker_close(&t);
}

/* A source killed between END and exit comes back, and nobody is there to take. */
static void test_giver_after_end(void **state)
{
    (void)state;
    struct giver *g = open_giver(options());
    end(g);
    giver_close(&g);
    g = open_giver(options());
    put(g, 0);
    end(g);
    giver_close(&g);
}

/* A copy of a stage that wakes after the end of the stream, its hands full: what it holds was a repeat. */
/* An end that an earlier run left: who comes before its source waits for that, for a while; and the source takes the end away. */
static void test_end_of_before(void **state)
{
    (void)state;
    struct channel_options o = options(), patient = options();
    struct taken item;
    struct error e = {0};
    struct giver *before = open_giver(o);
    end(before);
    giver_close(&before);
    patient.stale_s = SOON_S;
    struct taker *t = open_taker(patient);
    assert_int_equal(taker_take(t, &item, 0.5, &e), 0); /* and not TAKER_END */
    o.anew = true;
    struct giver *g = open_giver(o);
    put(g, 3);
    item = take(t);
    taker_acknowledge(t, item.lease);
    end(g);
    assert_end(t);
    taker_close(&t);
    giver_close(&g);

    patient.stale_s = 0.5;
    double const begun_s = now_s();
    t = open_taker(patient);
    assert_end(t);
    assert_true(now_s() - begun_s >= 0.5);
    taker_close(&t);
}

static void test_relay_over(void **state)
{
    (void)state;
    struct channel_options up = options(), down = options();
    up.name = "up";
    down.name = "down";
    struct giver *source = open_giver(up), *out = open_giver(down);
    struct taker *in = open_taker(up);
    giver_relay(out, in);
    put(source, 0);
    struct taken item = take(in);
    put(out, item.key.index);
    giver_drop(source, key_of(0)); /* as though another copy had brought it home */
    end(source);
    assert_end(in);
    end(out);
    giver_close(&out);
    taker_close(&in);
    giver_close(&source);
}

static void test_relay_acknowledges(void **state)
{
    (void)state;
    struct channel_options up = options(), down = options();
    struct item_key key;
    up.name = "up";
    down.name = "down";
    struct giver *source = open_giver(up), *out = open_giver(down);
    struct taker *in = open_taker(up), *sink = open_taker(down);
    giver_relay(out, in);
    put(source, 5);
    struct taken item = take(in);
    put(out, item.key.index);
    struct taken arrived = take(sink);
    assert_int_equal(giver_acknowledged(source, &key, 0.2, NULL), 0); /* not before the sink says so */
    taker_acknowledge(sink, arrived.lease);
    assert_int_equal(giver_acknowledged(source, &key, SOON_S, NULL), 1);
    assert_int_equal(key.index, 5);
    giver_close(&source);
    giver_close(&out);
    taker_close(&in);
    taker_close(&sink);
}

/* ---- failure ---- */

static void test_failure(void **state)
{
    (void)state;
    struct channel_options o = options();
    struct error e = {0};
    struct taken item;
    struct item_key key;
    o.window = 1;
    struct giver *g = open_giver(o);
    struct taker *t = open_taker(o);
    assert_int_equal(run_check(dir, &e), 0);
    program_name_set("petrel-test");
    run_fail(dir, EX_IOERR, "cannot write 'x':\nno space");
    run_fail(dir, EX_USAGE, "the second sentence is not kept");
    assert_int_equal(run_check(dir, &e), -1);
    assert_int_equal(e.code, EX_IOERR);
    assert_string_equal(e.text, "petrel-test: cannot write 'x': no space");
    e = (struct error){0};
    assert_int_equal(taker_take(t, &item, SOON_S, &e), -1);
    assert_int_equal(e.code, EX_IOERR);
    assert_int_equal(giver_acknowledged(g, &key, SOON_S, &e), -1);
    struct buffer b = {.data = xalloc(1, 1), .size = 1};
    assert_int_equal(giver_put(g, key_of(0), &b, &e), -1);
    assert_null(b.data);
    giver_close(&g);
    taker_close(&t);
}

static void test_directory_taken_away(void **state)
{
    (void)state;
    struct error e = {0};
    struct taken item;
    char from[96], to[96];
    struct taker *t = open_taker(options());
    snprintf(from, sizeof from, "%s/channels", dir);
    snprintf(to, sizeof to, "%s/before", dir);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(mkdir(from, 0700), 0); /* another run begins here */
    assert_int_equal(taker_take(t, &item, SOON_S, &e), -1);
    assert_int_equal(e.code, EX_TEMPFAIL);
    taker_close(&t);
}

static void test_options_refused(void **state)
{
    (void)state;
    struct channel_options o = options();
    struct giver *g;
    struct error e = {0};
    char channels[96];
    o.name = "../etc";
    assert_int_equal(giver_open(&g, &o, &e), -1);
    assert_int_equal(e.code, EX_USAGE);
    o = options();
    o.transport = "udp";
    assert_int_equal(giver_open(&g, &o, &e), -1);
    assert_int_equal(e.code, EX_USAGE);
    assert_non_null(strstr(e.text, "'udp'"));
    snprintf(channels, sizeof channels, "%s/channels", dir);
    assert_int_equal(chmod(channels, 0755), 0); /* others could publish keys */
    o = options();
    assert_int_equal(giver_open(&g, &o, &e), -1);
    assert_int_equal(e.code, EX_CONFIG);
    assert_null(g);
}

/* ---- bytes ---- */

static void test_control_frames(void **state)
{
    (void)state;
    static const enum frame_kind kinds[] = {FRAME_HELLO, FRAME_READY, FRAME_ACK,   FRAME_BYE,
                                            FRAME_ITEM,  FRAME_HERE,  FRAME_AGAIN, FRAME_END};
    for (size_t v = 0; v < COUNT_OF(kinds); v++) {
        struct control_frame c = {kinds[v], 3, 0x0102030405060708u, {11, 12}, 13}, back;
        uint8_t frame[CONTROL_FRAME_MAX];
        size_t size = control_frame_write(&c, frame);
        assert_true(size <= CONTROL_FRAME_MAX);
        assert_true(control_frame_read(&back, frame, size));
        assert_int_equal(back.kind, c.kind);
        assert_int_equal(back.session, 3);
        if (c.kind == FRAME_HELLO)
            assert_true(back.limit == c.limit);
        if (c.kind == FRAME_ITEM || c.kind == FRAME_ACK)
            assert_true(back.key.run == 11 && back.key.index == 12 && back.check == 13);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(control_frame_read(&back, frame, size));
            frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t less = 0; less < size; less++)
            assert_false(control_frame_read(&back, frame, less));
    }
}

static void test_arrived(void **state)
{
    (void)state;
    struct arrived *a;
    char channels[96], path[128];
    snprintf(channels, sizeof channels, "%s/channels", dir);
    snprintf(path, sizeof path, "%s/test.arrived", channels);
    assert_int_equal(mkdir(channels, 0700), 0);
    assert_int_equal(arrived_open(&a, dir, "test", NULL), 0);
    assert_false(arrived_has(a, key_of(3)));
    assert_int_equal(arrived_note(a, key_of(3), NULL), 0);
    assert_int_equal(arrived_note(a, key_of(1), NULL), 0);
    arrived_close(&a);
    FILE *to = fopen(path, "a");
    fputs("7 12", to); /* torn: it may have been 7 123 */
    fclose(to);
    assert_int_equal(arrived_open(&a, dir, "test", NULL), 0);
    assert_int_equal(arrived_note(a, key_of(5), NULL), 0);
    arrived_close(&a);
    assert_int_equal(arrived_open(&a, dir, "test", NULL), 0);
    assert_true(arrived_has(a, key_of(1)) && arrived_has(a, key_of(3)) && arrived_has(a, key_of(5)));
    assert_false(arrived_has(a, key_of(2)));
    arrived_close(&a);
}

/* ---- tcp ---- */

/* A stranger who knows everything but has no key in the run directory, and one who speaks no CURVE at all. */
static void stranger(const struct registered *who, bool curve, int *received)
{
    void *context = zmq_ctx_new(), *s = zmq_socket(context, ZMQ_DEALER);
    int linger = 0, wait_ms = 1500;
    char open[41], secret[41], endpoint[64], server[41];
    uint8_t frame[CONTROL_FRAME_MAX], byte[32];
    zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(s, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    if (curve) {
        assert_int_equal(zmq_curve_keypair(open, secret), 0);
        for (size_t i = 0; i < 32; i++)
            byte[i] = (uint8_t)strtol((char[]){who->key[2 * i], who->key[2 * i + 1], 0}, NULL, 16);
        zmq_z85_encode(server, byte, 32);
        assert_int_equal(zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, server, 40), 0);
        assert_int_equal(zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, open, 40), 0);
        assert_int_equal(zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret, 40), 0);
    }
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1%s", strrchr(who->endpoint, ':'));
    assert_int_equal(zmq_connect(s, endpoint), 0);
    zmq_send(s, frame,
             control_frame_write(&(struct control_frame){.kind = FRAME_HELLO, .session = 1, .limit = 9}, frame),
             ZMQ_DONTWAIT);
    *received = zmq_recv(s, frame, sizeof frame, 0);
    zmq_close(s);
    zmq_ctx_term(context);
}

static void test_tcp(void **state)
{
    (void)state;
    struct channel_options o = options();
    struct registry r;
    struct registered who;
    struct names files;
    int received;
    o.transport = "tcp";
    struct giver *g = open_giver(o);
    put(g, 0);
    assert_int_equal(registry_open(&r, dir, "test", NULL), 0);
    assert_int_equal(registry_list(&r, &files, NULL), 0);
    assert_int_equal(files.count, 1);
    assert_int_equal(registry_read(&r, files.name[0], &who, NULL), 0);
    names_free(&files);
    registry_close(&r);
    for (int curve = 0; curve < 2; curve++) {
        stranger(&who, curve, &received);
        assert_int_equal(received, -1);
    }
    struct taker *t = open_taker(o); /* its key is in the run directory */
    taker_acknowledge(t, take(t).lease);
    end(g);
    assert_end(t);
    giver_close(&g);
    taker_close(&t);
}

/* An acknowledgement is believed of who had the item's bytes, and knows their sum: not of another, though it may speak. */
static void test_forged_acknowledgement(void **state)
{
    (void)state;
    struct channel_options o = options();
    struct registry r;
    struct registered who;
    struct names files;
    uint8_t frame[CONTROL_FRAME_MAX];
    struct giver *g = open_giver(o);
    struct buffer b = {.data = xalloc(7, 1), .size = 7};
    uint64_t const check = bytes_xxh3(b.data, b.size);
    assert_int_equal(giver_put(g, key_of(4), &b, NULL), 0);
    assert_int_equal(registry_open(&r, dir, "test", NULL), 0);
    assert_int_equal(registry_list(&r, &files, NULL), 0);
    assert_int_equal(registry_read(&r, files.name[0], &who, NULL), 0);
    names_free(&files);
    registry_close(&r);
    void *context = zmq_ctx_new(), *s = zmq_socket(context, ZMQ_DEALER);
    int linger = 0;
    zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger);
    assert_int_equal(zmq_connect(s, who.endpoint), 0);
    for (int right = 0; right < 2; right++) {
        struct control_frame c = {.kind = FRAME_ACK, .session = 1, .key = key_of(4), .check = check + !right};
        struct item_key key;
        for (int times = 0; times < 3; times++) /* and again: a replay */
            assert_true(zmq_send(s, frame, control_frame_write(&c, frame), 0) > 0);
        assert_int_equal(giver_acknowledged(g, &key, right ? 10 : 0.7, NULL), right);
        assert_int_equal(giver_pending(g), !right);
    }
    zmq_close(s);
    zmq_ctx_term(context);
    end(g);
    giver_close(&g);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order_and_end),
        TEST(test_window_bounds),
        TEST(test_credit_bounds),
        TEST(test_repeat_and_drop),
        TEST(test_large),
        TEST(test_many),
        TEST(test_credit_shared),
        TEST(test_giver_restarts),
        TEST(test_giver_after_end),
        TEST(test_end_of_before),
        TEST(test_relay_over),
        TEST(test_relay_acknowledges),
        TEST(test_failure),
        TEST(test_directory_taken_away),
        TEST(test_options_refused),
        TEST(test_control_frames),
        TEST(test_arrived),
        TEST(test_tcp),
        TEST(test_forged_acknowledgement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
