/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <string.h>

#include "counters.h"

static void slot_add(struct acct_slot *s, const struct acct_slot *other) {
        s->ingress_bytes += other->ingress_bytes;
        s->ingress_packets += other->ingress_packets;
        s->egress_bytes += other->egress_bytes;
        s->egress_packets += other->egress_packets;
}

static uint64_t sub_to_zero(uint64_t a, uint64_t b) {
        return a > b ? a - b : 0;
}

void counters_add(Counters *c, const Counters *other) {
        assert(c);
        assert(other);

        for (unsigned i = 0; i < _ACCT_CLASS_MAX; i++)
                slot_add(&c->classes[i], &other->classes[i]);
}

void counters_sub(Counters *c, const Counters *other) {
        assert(c);
        assert(other);

        for (unsigned i = 0; i < _ACCT_CLASS_MAX; i++) {
                struct acct_slot *s = &c->classes[i];
                const struct acct_slot *o = &other->classes[i];

                s->ingress_bytes = sub_to_zero(s->ingress_bytes, o->ingress_bytes);
                s->ingress_packets = sub_to_zero(s->ingress_packets, o->ingress_packets);
                s->egress_bytes = sub_to_zero(s->egress_bytes, o->egress_bytes);
                s->egress_packets = sub_to_zero(s->egress_packets, o->egress_packets);
        }
}

bool counters_covers(const Counters *c, const Counters *other) {
        assert(c);
        assert(other);

        for (unsigned i = 0; i < _ACCT_CLASS_MAX; i++) {
                const struct acct_slot *s = &c->classes[i], *o = &other->classes[i];

                if (s->ingress_bytes < o->ingress_bytes || s->ingress_packets < o->ingress_packets ||
                                s->egress_bytes < o->egress_bytes || s->egress_packets < o->egress_packets)
                        return false;
        }

        return true;
}

bool counters_is_zero(const Counters *c) {
        static const Counters zero = {};

        assert(c);

        return memcmp(c, &zero, sizeof(zero)) == 0;
}

struct acct_slot counters_sum(const Counters *c, unsigned mask) {
        struct acct_slot sum = {};

        assert(c);

        for (unsigned i = 0; i < _ACCT_CLASS_MAX; i++)
                if (mask & (1U << i))
                        slot_add(&sum, &c->classes[i]);

        return sum;
}

const char *acct_class_to_string(enum acct_class c) {
        static const char *const names[_ACCT_CLASS_MAX] = {
                        [ACCT_INTERNET] = "internet",
                        [ACCT_LOCAL] = "local",
                        [ACCT_LOOPBACK] = "loopback",
        };

        assert(c < _ACCT_CLASS_MAX);

        return names[c];
}
