/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pin_parse_link_name() takes what pin_link_name() makes, and nothing else. */

#include "fuzz.h"
#include "pin.h"

static void check_parse(const char *name) {
        PinDirection direction = _PIN_DIRECTION_MAX;
        char same[PIN_NAME_MAX];
        uint64_t id = 4711;

        if (!pin_parse_link_name(name, &id, &direction)) {
                CHECK(id == 4711 && direction == _PIN_DIRECTION_MAX);
                return;
        }

        CHECK(direction == PIN_INGRESS || direction == PIN_EGRESS);
        CHECK(strcmp(pin_link_name(id, direction, same), name) == 0);
}

static void check_format(uint64_t id) {
        for (PinDirection d = 0; d < _PIN_DIRECTION_MAX; d++) {
                PinDirection direction;
                char name[PIN_NAME_MAX];
                uint64_t same;

                CHECK(pin_parse_link_name(pin_link_name(id, d, name), &same, &direction));
                CHECK(same == id && direction == d);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *name = fuzz_string(data, size);
        uint64_t id = 0;

        check_parse(name);
        if (size > 0)
                memcpy(&id, data, size < sizeof(id) ? size : sizeof(id));
        check_format(id);
        return 0;
}
