/// A number that people may set for an endpoint, by the name that Linux's AF_RXRPC gives it where that has one
/// (Documentation/networking/rxrpc.rst, "Configurable parameters").
public struct RxParameter: Sendable {
  public enum Unit: String, Sendable {
    case milliseconds = "ms"
    case seconds = "s"
    case packets
    case bytes
    case connections
    case calls
  }

  public let name: String
  public let unit: Unit
  /// The values which are accepted.
  public let range: ClosedRange<Int>
  /// What it is, in a sentence.
  public let summary: String
  private let load: @Sendable (RxEndpointConfiguration) -> Int
  private let store: @Sendable (inout RxEndpointConfiguration, Int) -> Void

  /// The value in `configuration`, in the parameter's unit.
  public func value(in configuration: RxEndpointConfiguration) -> Int { load(configuration) }

  /// - Throws: when the value is out of range.
  public func set(_ value: Int, in configuration: inout RxEndpointConfiguration) throws(RxParameterError) {
    guard range.contains(value) else { throw .outOfRange(self, String(value)) }
    store(&configuration, value)
  }

  init(
    _ name: String, _ unit: Unit, _ range: ClosedRange<Int>,
    _ field: any WritableKeyPath<RxEndpointConfiguration, Int> & Sendable, _ summary: String
  ) {
    (self.name, self.unit, self.range, self.summary) = (name, unit, range, summary)
    load = { $0[keyPath: field] }
    store = { $0[keyPath: field] = $1 }
  }

  init(
    _ name: String, _ unit: Unit, _ range: ClosedRange<Int>,
    _ field: any WritableKeyPath<RxEndpointConfiguration, Duration> & Sendable, _ summary: String
  ) {
    (self.name, self.unit, self.range, self.summary) = (name, unit, range, summary)
    let one: Duration = unit == .seconds ? .seconds(1) : .milliseconds(1)
    load = { Int(($0[keyPath: field] / one).rounded()) }
    store = { $0[keyPath: field] = one * $1 }
  }
}

/// Why a parameter was not set.
public enum RxParameterError: Error, Sendable, CustomStringConvertible {
  /// Not `NAME=VALUE`.
  case malformed(String)
  case unknown(String)
  case outOfRange(RxParameter, String)

  public var description: String {
    switch self {
    case .malformed(let text): "'\(text)' is not NAME=NUMBER"
    case .unknown(let name):
      "there is no Rx parameter '\(name)'; there are " + RxParameter.all.map(\.name).joined(separator: ", ")
    case .outOfRange(let parameter, let value):
      "\(parameter.name): '\(value)' is no whole number from \(parameter.range.lowerBound) to "
        + "\(parameter.range.upperBound) (\(parameter.unit.rawValue))"
    }
  }
}

extension RxEndpointConfiguration {
  /// Sets a parameter from `NAME=NUMBER`.
  public mutating func apply(_ assignment: String) throws(RxParameterError) {
    let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw .malformed(assignment) }
    try set(String(parts[0]), to: String(parts[1]))
  }

  /// Sets the parameter called `name`; hyphens may stand for underscores.
  public mutating func set(_ name: String, to text: String) throws(RxParameterError) {
    let wanted = String(name.map { $0 == "-" ? "_" : $0 })
    guard let parameter = RxParameter.all.first(where: { $0.name == wanted }) else { throw .unknown(name) }
    guard let value = Int(text) else { throw .outOfRange(parameter, text) }
    try parameter.set(value, in: &self)
  }
}
