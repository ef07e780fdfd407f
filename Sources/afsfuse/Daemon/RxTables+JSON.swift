import AFSBase
import AFSControl
import AFSRPC
import RxCore

/// The tables as `afsfuse status rx --json` shows them. Times are in microseconds.
extension RxTables {
  var json: JSONValue {
    .object([
      .init("epoch", JSONValue(epoch)),
      .init("services", .array(services.map { JSONValue($0.rawValue) })),
      .init("traffic", Self.json(traffic)),
      .init("calls", .array(calls.map(Self.json))),
      .init("connections", .array(connections.map(Self.json))),
      .init("peers", .array(peers.map(Self.json))),
      .init("operations", .array(operations.sorted { Self.name($0) < Self.name($1) }.map(Self.json))),
    ])
  }

  /// `RXAFS.FetchStatus`, or `1:130` for what no interface here names.
  static func name(service: UInt16, code: UInt32?, isOutgoing: Bool) -> String {
    guard let code else { return "\(service):other" }
    return ProcedureNames.name(service: service, code: code, isOutgoing: isOutgoing) ?? "\(service):\(code)"
  }

  private static func name(_ operation: Operation) -> String {
    name(
      service: operation.operation.service.rawValue, code: operation.operation.code,
      isOutgoing: operation.operation.isOutgoing)
  }

  private static func json(_ traffic: RxTraffic) -> JSONValue {
    .object([
      .init("packetsSent", JSONValue(traffic.packetsSent)), .init("packetsResent", JSONValue(traffic.packetsResent)),
      .init("bytesSent", JSONValue(traffic.bytesSent)), .init("packetsReceived", JSONValue(traffic.packetsReceived)),
      .init("bytesReceived", JSONValue(traffic.bytesReceived)),
    ])
  }

  private static func json(_ call: Call) -> JSONValue {
    .object([
      .init("peer", .string(call.peer.description)), .init("connection", .string(String(call.cid, radix: 16))),
      .init("number", JSONValue(call.number)), .init("outgoing", .bool(call.isOutgoing)),
      .init("operation", .string(name(service: call.service.rawValue, code: call.code, isOutgoing: call.isOutgoing))),
      .init("step", .string(call.step.rawValue)), .init("age", microseconds(call.age)),
      .init("packetsToRead", JSONValue(call.packetsToRead)),
      .init("packetsToAcknowledge", JSONValue(call.packetsToAcknowledge)),
      .init("congestionWindow", JSONValue(call.congestionWindow)),
    ])
  }

  private static func json(_ connection: Connection) -> JSONValue {
    .object([
      .init("peer", .string(connection.peer.description)),
      .init("connection", .string(String(connection.cid, radix: 16))),
      .init("epoch", .string(String(connection.epoch, radix: 16))),
      .init("service", JSONValue(connection.service.rawValue)), .init("outgoing", .bool(connection.isOutgoing)),
      .init("securityIndex", JSONValue(connection.securityIndex)), .init("calls", JSONValue(connection.callCount)),
      .init("callNumbers", .array(connection.callNumbers.map { JSONValue($0) })),
      .init("idle", connection.idle.map(microseconds) ?? .null),
    ])
  }

  private static func json(_ peer: Peer) -> JSONValue {
    .object([
      .init("address", .string(peer.address.description)), .init("connections", JSONValue(peer.connectionCount)),
      .init("calls", JSONValue(peer.callCount)), .init("roundTrip", peer.roundTrip.map(microseconds) ?? .null),
      .init("variation", microseconds(peer.roundTripVariation)), .init("payload", JSONValue(peer.payloadMax)),
      .init("window", JSONValue(peer.receiveWindow)),
      .init("congestionWindow", peer.congestionWindow.map { JSONValue($0) } ?? .null),
      .init("traffic", json(peer.traffic)),
    ])
  }

  private static func json(_ entry: Operation) -> JSONValue {
    let counts = entry.counts
    return .object([
      .init("operation", .string(name(entry))), .init("outgoing", .bool(entry.operation.isOutgoing)),
      .init("calls", JSONValue(counts.calls)),
      .init(
        "aborts",
        .object(
          counts.aborts.sorted { $0.key.rawValue < $1.key.rawValue }.map { .init($0.key.name, JSONValue($0.value)) })),
      .init("otherFailures", JSONValue(counts.otherFailures)), .init("bytesSent", JSONValue(counts.bytesSent)),
      .init("bytesReceived", JSONValue(counts.bytesReceived)), .init("mean", microseconds(counts.latency.mean)),
      .init("p99", microseconds(counts.latency.percentile(0.99))),
    ])
  }

  private static func microseconds(_ duration: Duration) -> JSONValue { JSONValue(duration.wholeNanoseconds / 1000) }
}
