import AFSBase

/// When the server repeats a question that a client has not answered: a challenge, or a first-contact ping.
struct RepeatSchedule: BitwiseCopyable {
  /// nil while no answer is awaited.
  private(set) var nextAt: MonotonicTime?
  private(set) var attempts = 0

  /// OpenAFS src/rx/rx.h, RX_CHALLENGE_TIMEOUT and RX_CHECKREACH_TIMEOUT.
  static let interval: Duration = .seconds(2)
  /// OpenAFS src/rx/rx.h, RX_CHALLENGE_MAXTRIES.
  static let attemptsMax = 50

  var isAwaiting: Bool { nextAt != nil }
  var isExhausted: Bool { attempts >= Self.attemptsMax }

  func isDue(now: MonotonicTime) -> Bool { if let nextAt { nextAt <= now } else { false } }

  mutating func asked(now: MonotonicTime) {
    attempts += 1
    nextAt = now + Self.interval
  }

  /// No answer is awaited any more: it has come, or the question is about to be asked again.
  mutating func answered() { nextAt = nil }
}
