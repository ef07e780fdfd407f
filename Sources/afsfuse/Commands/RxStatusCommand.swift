import AFSControl
import ArgumentParser
import Glibc

/// `afsfuse status rx`: what the daemons' Rx endpoints are doing.
struct RxStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rx", abstract: "Shows calls, connections, peers and operations of Rx, for every mount or for one.",
    discussion: "Exit status: as that of 'afsfuse status'.")

  @Argument(help: "One mount only.", completion: .directory)
  var mountPoint: String?

  @Flag(help: "For scripts: an array with an object for each mount. Times are in microseconds.")
  var json = false

  func run() throws { try MountReport.run(.rx, of: mountPoint, show: show) }

  private func show(_ report: MountReport) throws(Failure) {
    var endpoints: [JSONValue] = []
    for case .reply(.rx(let tables)) in report.answers.map(\.outcome) { endpoints.append(tables) }
    let others = report.answers.filter(\.isWithoutReply).compactMap(\.status).map(StatusText.init).map(\.text)
    if endpoints.isEmpty, others.isEmpty { try report.showNothing() }
    if json {
      for text in others { printError("afsfuse: \(text)") }
      print(JSONValue.array(endpoints).text(indented: true))
    } else if report.answers.isEmpty {
      print("Nothing is mounted.")
    } else {
      print((endpoints.map { RxStatusText($0).text } + others).joined(separator: "\n\n"))
    }
  }
}

/// The tables for people.
struct RxStatusText {
  let text: String

  init(_ endpoint: JSONValue) {
    var parts = [
      "local endpoint \(Self.cell(endpoint["port"])) of \(Self.cell(endpoint["mountPoint"])): "
        + "\(Self.cell(endpoint["traffic"]?["packetsSent"])) packets sent "
        + "(\(Self.cell(endpoint["traffic"]?["packetsResent"])) again), "
        + "\(Self.cell(endpoint["traffic"]?["packetsReceived"])) received"
    ]
    parts.append(
      Self.table(
        "calls", ["peer", "connection", "number", "operation", "step", "age"], endpoint["calls"]?.array ?? []))
    parts.append(
      Self.table(
        "connections", ["peer", "connection", "service", "outgoing", "securityIndex", "calls", "idle"],
        endpoint["connections"]?.array ?? []))
    parts.append(
      Self.table(
        "peers",
        ["address", "connections", "calls", "roundTrip", "variation", "payload", "window", "congestionWindow"],
        endpoint["peers"]?.array ?? []))
    parts.append(
      Self.table(
        "operations",
        ["operation", "outgoing", "calls", "aborts", "otherFailures", "bytesSent", "bytesReceived", "mean", "p99"],
        endpoint["operations"]?.array ?? []))
    text = parts.joined(separator: "\n")
  }

  /// Columns as wide as what is in them.
  private static func table(_ title: String, _ columns: [String], _ rows: [JSONValue]) -> String {
    guard !rows.isEmpty else { return "\(title): none" }
    let cells = [columns] + rows.map { row in columns.map { cell(row[$0], of: $0) } }
    let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    let lines = cells.map { row in
      "  "
        + row.enumerated().map { index, text in
          text + String(repeating: " ", count: index == row.count - 1 ? 0 : widths[index] - text.count)
        }.joined(separator: "  ")
    }
    return ([title] + lines).joined(separator: "\n")
  }

  /// Columns of microseconds.
  private static let durations: Set<String> = ["age", "idle", "roundTrip", "variation", "mean", "p99"]

  private static func cell(_ value: JSONValue?, of column: String) -> String {
    guard durations.contains(column), let microseconds = value?.integer else { return cell(value) }
    return duration(microseconds: microseconds)
  }

  /// `667us`, `4.6ms`, `26.0s`.
  static func duration(microseconds: Int64) -> String {
    func tenths(of unit: Int64) -> String {
      let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: unit / 10)
      let tenths = whole + (rest >= unit / 20 ? 1 : 0)
      return "\(tenths / 10).\(tenths % 10)"
    }
    if microseconds < 1000 { return "\(microseconds)us" }
    // What would be rounded up to 1000.0ms is 1.0s.
    return microseconds < 999_950 ? tenths(of: 1000) + "ms" : tenths(of: 1_000_000) + "s"
  }

  private static func cell(_ value: JSONValue?) -> String {
    switch value {
    case nil, .null?: "-"
    case .bool(let flag)?: flag ? "yes" : "no"
    case .string(let text)?: text
    case .object(let members)?:
      members.isEmpty ? "-" : members.map { "\($0.name):\(cell($0.value))" }.joined(separator: ",")
    case let other?: other.text()
    }
  }
}
