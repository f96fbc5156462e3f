/* SPDX-License-Identifier: GPL-2.0-only */
/* portcullis capture: the packets that the filter drops, as a pcap file. */
#ifndef CAPTURE_H
#define CAPTURE_H

int capture_main(int argc, char **argv);

#endif /* CAPTURE_H */
