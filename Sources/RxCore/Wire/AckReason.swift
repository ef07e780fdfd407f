/// Why an ACK was sent (OpenAFS src/rx/rx.h, RX_ACK_*).
enum AckReason: UInt8, Sendable, CaseIterable {
  /// A packet asked for it.
  case requested = 1
  /// A packet came twice.
  case duplicate = 2
  /// A packet came with others missing before it.
  case outOfSequence = 3
  /// A packet beyond the receive window was dropped.
  case exceedsWindow = 4
  /// No memory; the packet was dropped.
  case noSpace = 5
  /// Are you there? Carries REQUEST_ACK.
  case ping = 6
  case pingResponse = 7
  /// Nothing has happened for a while. Not fit to measure the round trip.
  case delay = 8
  /// Like `delay`, but sent at once: fit to measure the round trip.
  case idle = 9
}
