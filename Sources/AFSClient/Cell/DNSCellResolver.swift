import AFSBase
public import AFSTypes
public import RxCore
public import RxTransport
import Synchronization

/// Finds the volume location servers of a cell by DNS: SRV records (RFC 5864), and AFSDB records (RFC 1183) where
/// there are none.
public final class DNSCellResolver: CellResolver {
  /// The name below which RFC 5864 section 3 has the volume location service.
  static let servicePrefix = "_afs3-vlserver._udp."
  /// Subtype of AFSDB records for AFS 3 volume location servers (RFC 1183 section 1).
  static let locationSubtype: UInt16 = 1
  /// For how long an answer may be kept, whatever DNS says.
  static let validityMin: UInt32 = 60
  static let validityMax: UInt32 = 86_400
  /// Hosts of one cell whose addresses are asked for; OpenAFS takes 8 at most (MAXHOSTSPERCELL).
  static let hostsMax = 16

  private let dns: any DNSResolver
  private let generator: Mutex<SeededGenerator>

  /// - Parameter seed: of the order of servers with equal priority.
  public init(dns: any DNSResolver, seed: UInt64) {
    self.dns = dns
    generator = Mutex(SeededGenerator(seed: seed))
  }

  /// nil also at once for names without a dot: they would be names of hosts of this network.
  ///
  /// Errors: `.timedOut` and `.unreachable` when DNS gives no answer, `.interrupted`.
  public func locationServers(
    of cell: CellName
  ) async throws(AFSError) -> (servers: [RxAddress], validity: Duration)? {
    guard cell.text.contains(".") else { return nil }
    do {
      guard let found = try await hosts(of: cell) else { return nil }
      var timeToLive = found.timeToLive
      let servers = try await addresses(of: found.hosts, &timeToLive)
      guard !servers.isEmpty else { return nil }
      return (servers, .seconds(min(max(timeToLive, Self.validityMin), Self.validityMax)))
    } catch {
      switch error {
      case .cancelled: throw .interrupted
      case .timedOut: throw .timedOut
      case .unreachable, .refused, .malformed, .tooManyQuestions: throw .unreachable
      }
    }
  }

  // MARK: Hosts

  struct Host: Hashable {
    var name: String
    var port: UInt16
    /// That came with the answer.
    var addresses: [RxAddress]
  }

  private typealias Found = (hosts: [Host], timeToLive: UInt32)

  private func hosts(of cell: CellName) async throws(DNSFailure) -> Found? {
    if (Self.servicePrefix + cell.text).utf8.count <= CellName.lengthMax {
      let message = try await dns.message(of: Self.servicePrefix + cell.text, .srv)
      let services = message.answers.filter { $0.kind == .srv }
      if !services.isEmpty {
        let ordered = generator.withLock { Self.ordered(services, using: &$0) }
        return Self.found(ordered, in: message)
      }
    }
    let message = try await dns.message(of: cell.text, .afsdb)
    return Self.found(message.answers.filter { $0.kind == .afsdb }, in: message)
  }

  /// nil when the records name no host.
  private static func found(_ records: [DNSRecord], in message: DNSMessage) -> Found? {
    var hosts: [Host] = []
    var timeToLive = validityMax
    for record in records {
      guard let (name, port) = target(of: record), CellName(name) != nil else { continue }
      timeToLive = min(timeToLive, record.timeToLive)
      let known = message.additional.filter { $0.owner == name }
      let addresses = known.compactMap { address(in: $0) }
      for record in known where address(in: record) != nil { timeToLive = min(timeToLive, record.timeToLive) }
      hosts.append(Host(name: name, port: port, addresses: addresses))
    }
    return hosts.isEmpty ? nil : (Array(hosts.prefix(hostsMax)), timeToLive)
  }

  /// nil for records that name no location server.
  private static func target(of record: DNSRecord) -> (name: String, port: UInt16)? {
    switch record.content {
    case .service(_, _, let port, let target) where port != 0: (target, port)
    case .database(locationSubtype, let host): (host, CellConfiguration.locationPort)
    case .service, .database, .address: nil
    }
  }

  /// Lower priorities first, and among equal ones by lot, the heavier the likelier (RFC 2782, "The format of the SRV
  /// RR").
  static func ordered(_ records: [DNSRecord], using generator: inout some RandomNumberGenerator) -> [DNSRecord] {
    var left: [(priority: UInt16, weight: UInt64, record: DNSRecord)] = records.compactMap { record in
      guard case .service(let priority, let weight, _, _) = record.content else { return nil }
      return (priority, UInt64(weight), record)
    }
    var ordered: [DNSRecord] = []
    while let priority = left.map(\.priority).min() {
      // Those of weight 0 stand first and are drawn by lot 0: a small chance.
      let shuffled = left.indices.filter { left[$0].priority == priority }.shuffled(using: &generator)
      let candidates = shuffled.filter { left[$0].weight == 0 } + shuffled.filter { left[$0].weight != 0 }
      let total = candidates.reduce(0) { $0 + left[$1].weight }
      var lot = UInt64.random(in: 0...total, using: &generator)
      var chosen = candidates[candidates.count - 1]
      for index in candidates {
        if lot <= left[index].weight {
          chosen = index
          break
        }
        lot -= left[index].weight
      }
      ordered.append(left.remove(at: chosen).record)
    }
    return ordered
  }

  // MARK: Addresses

  /// In the order of the hosts. A host that cannot be found out is an error only if no other has an address.
  private func addresses(of hosts: [Host], _ timeToLive: inout UInt32) async throws(DNSFailure) -> [RxAddress] {
    var servers: [RxAddress] = []
    var failure: DNSFailure?
    for host in hosts {
      var addresses = host.addresses
      if addresses.isEmpty {
        do {
          addresses = try await self.addresses(of: host.name, &timeToLive)
        } catch .cancelled {
          throw .cancelled
        } catch {
          failure = error
        }
      }
      for var address in addresses {
        address.port = host.port
        if !servers.contains(address) { servers.append(address) }
      }
    }
    if servers.isEmpty, let failure { throw failure }
    return servers
  }

  /// IPv4 addresses, and IPv6 addresses only of hosts without those: few AFS servers listen there.
  private func addresses(of host: String, _ timeToLive: inout UInt32) async throws(DNSFailure) -> [RxAddress] {
    for kind in [DNSRecord.Kind.a, .aaaa] {
      let records = try await dns.message(of: host, kind).answers.filter { $0.kind == kind }
      guard !records.isEmpty else { continue }
      for record in records { timeToLive = min(timeToLive, record.timeToLive) }
      return records.compactMap { Self.address(in: $0) }
    }
    return []
  }

  private static func address(in record: DNSRecord) -> RxAddress? {
    guard case .address(let address) = record.content else { return nil }
    return address
  }
}
