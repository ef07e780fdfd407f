import AFSBase

/// How a call's congestion window behaves once the path's capacity has been found. Chosen by simulation
/// (Docs/decisions/0010-congestion-control.md).
public enum RxCongestionAlgorithm: String, Sendable, Hashable, CaseIterable {
  /// One packet per round trip, half after a loss (RFC 5681, RFC 6582).
  case newReno
  /// A cubic function of the time since the last loss, 0.7 after a loss (RFC 9438).
  case cubic
}

/// The part of congestion control in which the algorithms differ.
enum CongestionAvoidance: BitwiseCopyable {
  /// Acknowledged packets not yet turned into growth.
  case newReno(credit: Int)
  case cubic(CubicGrowth)

  init(_ algorithm: RxCongestionAlgorithm) {
    switch algorithm {
    case .newReno: self = .newReno(credit: 0)
    case .cubic: self = .cubic(CubicGrowth())
    }
  }

  /// The window after more packets have arrived.
  mutating func grown(_ window: Int, by arrival: CongestionControl.Arrival, now: MonotonicTime) -> Int {
    switch self {
    case .newReno(let credit):
      let sum = credit + arrival.count
      self = .newReno(credit: sum >= window ? sum - window : sum)
      return sum >= window ? window + 1 : window
    case .cubic(var growth):
      defer { self = .cubic(growth) }
      return growth.grown(window, by: arrival.count, roundTrip: arrival.smoothed, now: now)
    }
  }

  /// The window after a loss.
  mutating func reduced(_ window: Int) -> Int {
    switch self {
    case .newReno:
      self = .newReno(credit: 0)
      return window / 2
    case .cubic(var growth):
      defer { self = .cubic(growth) }
      return growth.reduced(window)
    }
  }

  /// The window did not limit what was sent: that time does not count.
  mutating func paused() {
    if case .cubic(var growth) = self {
      growth.paused()
      self = .cubic(growth)
    }
  }
}

/// The window of CUBIC (RFC 9438, whose names the constants have).
struct CubicGrowth: BitwiseCopyable {
  /// The window at the last loss.
  private var windowMax = 0.0
  /// When growth began after it, and from what.
  private var epoch: MonotonicTime?
  private var epochWindow = 0.0
  /// Seconds until the window is back at `windowMax`.
  private var period = 0.0
  /// What Reno would have by now (section 4.3).
  private var estimate = 0.0
  private var fraction = 0.0

  private static let factor = 0.4
  private static let beta = 0.7

  mutating func grown(_ window: Int, by count: Int, roundTrip: Duration, now: MonotonicTime) -> Int {
    if epoch == nil { begin(window, now: now) }
    let current = Double(window) + fraction
    let seconds = Self.seconds(now - epoch!) + Self.seconds(roundTrip)
    let distance = seconds - period
    let target = min(max(Self.factor * distance * distance * distance + windowMax, current), current * 1.5)
    let alpha = estimate < windowMax ? 3 * (1 - Self.beta) / (1 + Self.beta) : 1
    estimate += alpha * Double(count) / current
    let next = max(current + (target - current) * Double(count) / current, min(estimate, current + Double(count)))
    let whole = Int(next)
    fraction = next - Double(whole)
    return whole
  }

  mutating func reduced(_ window: Int) -> Int {
    let current = Double(window)
    // Fast convergence (section 4.7): others need room.
    windowMax = current < windowMax ? current * (1 + Self.beta) / 2 : current
    epoch = nil
    fraction = 0
    return Int(current * Self.beta)
  }

  mutating func paused() { epoch = nil }

  private mutating func begin(_ window: Int, now: MonotonicTime) {
    epoch = now
    epochWindow = Double(window)
    estimate = epochWindow
    if windowMax <= epochWindow {
      windowMax = epochWindow
      period = 0
    } else {
      period = Self.cubeRoot((windowMax - epochWindow) / Self.factor)
    }
  }

  private static func seconds(_ duration: Duration) -> Double { Double(duration.wholeNanoseconds) / 1e9 }

  /// By Newton's method, of a positive number below a million.
  private static func cubeRoot(_ number: Double) -> Double {
    guard number > 0 else { return 0 }
    var root = max(number / 3, 1)
    for _ in 0..<32 { root = (2 * root + number / (root * root)) / 3 }
    return root
  }
}
