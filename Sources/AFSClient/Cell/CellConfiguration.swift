public import AFSTypes
import RxCore

/// Which cells a client knows from the start: what the configuration files say, with the command line above them.
public struct CellConfiguration: Sendable {
  /// What the command line says.
  public struct Request: Sendable, Hashable {
    /// `--cell NAME`: the local cell in place of that of `ThisCell`. It may be an alias.
    public var cell: String?
    /// `--cell-servers HOST[:PORT][,HOST...]`: the local cell's servers in place of those of `CellServDB`.
    public var servers: String?
    /// A local cell without servers is left to DNS.
    public var asksDNS: Bool

    public init(cell: String? = nil, servers: String? = nil, asksDNS: Bool = true) {
      self.cell = cell
      self.servers = servers
      self.asksDNS = asksDNS
    }
  }

  public enum Failure: Error, Hashable, CustomStringConvertible {
    case badCellName(String)
    /// `--cell-servers` without a cell that they could belong to.
    case serversWithoutCell(directory: String)
    case unknownCell(CellName, directory: String)
    case badServer(String)
    case unresolvableHost(String, reason: String)

    public var description: String {
      switch self {
      case .badCellName(let text):
        "'\(text)' is not a cell name: letters, digits, - and _, with single dots between them"
      case .serversWithoutCell(let directory):
        "--cell-servers needs --cell: there is no ThisCell in \(directory)"
      case .unknownCell(let cell, let directory):
        "cell \(cell) is not in the CellServDB of \(directory): add it there, or name its servers with --cell-servers"
      case .badServer(let text):
        "'\(text)' is not a server: HOST or HOST:PORT, HOST a name or an IPv4 address"
      case .unresolvableHost(let host, let reason):
        "no address for host \(host): \(reason)"
      }
    }
  }

  /// Why a host has no address, for people.
  public struct HostFailure: Error, Hashable {
    public var reason: String

    public init(reason: String) { self.reason = reason }
  }

  /// The IPv4 addresses of a host, in host order.
  public typealias HostResolution = (_ host: String) throws(HostFailure) -> [UInt32]

  /// The port of volume location servers (OpenAFS src/afs/afsd.h, AFSCONF_VLDBPORT).
  public static let locationPort: UInt16 = 7003

  public let localCell: CellName?
  /// All cells with known servers, in the order of the files. A local cell that is left to DNS is not among them.
  public let cells: [AFSClientConfiguration.KnownCell]
  public let aliases: [CellFiles.Alias]
  /// What is to be logged: lines that do not count, hosts without an address.
  public let warnings: [String]

  /// Merges `files` and `request`. Host names are resolved only where nobody gives an address.
  public init(files: CellFiles, request: Request, resolve: HostResolution) throws(Failure) {
    var warnings = files.problems
    localCell = try Self.localCell(files: files, request: request)
    aliases = files.aliases
    var cells: [AFSClientConfiguration.KnownCell] = []
    for entry in files.cellServDB.entries where request.servers == nil || entry.name != localCell {
      let addresses = Self.addresses(of: entry, warnings: &warnings, resolve: resolve)
      if addresses.isEmpty {
        warnings.append("cell \(entry.name) has no servers in \(files.directory)/CellServDB")
        continue
      }
      cells.append(.init(name: entry.name, locationServers: addresses))
    }
    if let servers = request.servers {
      guard let localCell else { throw .serversWithoutCell(directory: files.directory) }
      cells.append(.init(name: localCell, locationServers: try Self.servers(servers, resolve: resolve)))
    }
    if let localCell, !cells.contains(where: { $0.name == localCell }) {
      // Names without a dot are not asked of DNS.
      guard request.asksDNS, localCell.text.contains(".") else {
        throw .unknownCell(localCell, directory: files.directory)
      }
    }
    self.cells = cells
    self.warnings = warnings
  }

  private static func localCell(files: CellFiles, request: Request) throws(Failure) -> CellName? {
    guard let text = request.cell else { return files.localCell }
    guard let name = CellName(text) else { throw .badCellName(text) }
    return files.aliases.first { $0.alias == name }?.cell ?? name
  }

  private static func addresses(
    of entry: CellServDB.Entry, warnings: inout [String], resolve: HostResolution
  ) -> [RxAddress] {
    if !entry.servers.isEmpty {
      return entry.servers.map { RxAddress(ipv4: $0.address, port: locationPort) }
    }
    var addresses: [RxAddress] = []
    for host in entry.hostNames {
      do {
        append(try resolve(host), port: locationPort, to: &addresses)
      } catch {
        warnings.append("cell \(entry.name): \(Failure.unresolvableHost(host, reason: error.reason))")
      }
    }
    return addresses
  }

  // MARK: --cell-servers

  /// `HOST[:PORT][,HOST...]`; hosts with several addresses are several servers.
  static func servers(_ text: String, resolve: HostResolution) throws(Failure) -> [RxAddress] {
    var addresses: [RxAddress] = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = item.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count <= 2, let host = CellName(parts[0]) else { throw .badServer(String(item)) }
      var port = locationPort
      if parts.count == 2 {
        guard let given = UInt16(parts[1]), given != 0, parts[1].first != "+" else { throw .badServer(String(item)) }
        port = given
      }
      append(try self.addresses(of: host.text, resolve: resolve), port: port, to: &addresses)
    }
    return addresses
  }

  /// At least one.
  private static func addresses(of host: String, resolve: HostResolution) throws(Failure) -> [UInt32] {
    if let address = IPv4Text.address(host) {
      guard address != 0 else { throw .badServer(host) }
      return [address]
    }
    // The C library takes 127.1 and the like for addresses.
    guard host.contains(where: \.isLetter) else { throw .badServer(host) }
    let addresses: [UInt32]
    do {
      addresses = try resolve(host)
    } catch {
      throw .unresolvableHost(host, reason: error.reason)
    }
    guard !addresses.isEmpty else { throw .unresolvableHost(host, reason: "it has no IPv4 address") }
    return addresses
  }

  private static func append(_ found: [UInt32], port: UInt16, to addresses: inout [RxAddress]) {
    for address in found.map({ RxAddress(ipv4: $0, port: port) }) where !addresses.contains(address) {
      addresses.append(address)
    }
  }
}
