# SPDX-License-Identifier: Apache-2.0
# safetensors -- model files gone wrong, for tests.
#   safetensors.pl FROM TO drop TENSOR            without it
#   safetensors.pl FROM TO add TENSOR             with one more, of four zeros
#   safetensors.pl FROM TO reshape TENSOR         a dimension of 1 put before its others
#   safetensors.pl FROM TO number TENSOR VALUE    its first number another
#   safetensors.pl FROM TO set KEY VALUE          metadata; without VALUE: taken out
#   safetensors.pl FROM TO channels N             first convolution and metadata of N channels
#   safetensors.pl FROM - get KEY                 prints metadata
#   safetensors.pl FROM - sum TENSOR              prints a sum over its bytes
#   safetensors.pl FROM - values TENSOR           prints its numbers, a line each
#   safetensors.pl FROM - shape TENSOR            prints its shape, "16,6"; nothing where there is no such
#   safetensors.pl FROM - count PREFIX            prints how many numbers of parameters, not of statistics, have such names
use strict;
use warnings;
use JSON::PP;
use Digest::MD5 qw(md5_hex);

my ($from, $to, $verb, $name, $value) = @ARGV;
open my $in, '<:raw', $from or die "$from: $!";
my $file = do { local $/; <$in> };
my $length = unpack 'Q<', $file;
my $header = decode_json(substr $file, 8, $length);
my $data = substr $file, 8 + $length;
my $facts = delete $header->{__metadata__};

my @names = sort { $header->{$a}{data_offsets}[0] <=> $header->{$b}{data_offsets}[0] } keys %$header;
my %bytes = map { my ($low, $high) = @{$header->{$_}{data_offsets}}; ($_ => substr $data, $low, $high - $low) } @names;

if ($verb eq 'get') {
    print $facts->{$name}, "\n";
    exit;
} elsif ($verb eq 'sum') {
    print md5_hex($bytes{$name} // die "no tensor $name\n"), "\n";
    exit;
} elsif ($verb eq 'values') {
    printf "%.9g\n", $_ for unpack 'f<*', $bytes{$name} // die "no tensor $name\n";
    exit;
} elsif ($verb eq 'shape') {
    print join(',', @{$header->{$name}{shape}}), "\n" if $header->{$name};
    exit;
} elsif ($verb eq 'count') {
    my $all = 0;
    for (grep { /^\Q$name\E/ && !/\.(running_mean|running_var|num_batches_tracked)$/ } @names) {
        $all += length($bytes{$_}) / 4;
    }
    print "$all\n";
    exit;
} elsif ($verb eq 'drop') {
    exists $bytes{$name} or die "no tensor $name";
    @names = grep { $_ ne $name } @names;
} elsif ($verb eq 'add') {
    push @names, $name;
    $bytes{$name} = pack 'f<4', 0, 0, 0, 0;
    $header->{$name} = {dtype => 'F32', shape => [4]};
} elsif ($verb eq 'reshape') {
    unshift @{$header->{$name}{shape}}, 1;
} elsif ($verb eq 'number') {
    exists $bytes{$name} or die "no tensor $name";
    substr($bytes{$name}, 0, 4) = pack 'f<', $value;
} elsif ($verb eq 'set') {
    defined $value ? ($facts->{$name} = $value) : delete $facts->{$name};
} elsif ($verb eq 'channels') {
    my $first = 'backbone.conv1.weight';
    my $filters = $header->{$first}{shape}[0];
    my $one = length($bytes{$first}) / $filters;
    $bytes{$first} = join '', map { substr($bytes{$first}, $_ * $one, $one) x $name } 0 .. $filters - 1;
    $header->{$first}{shape}[1] = $name;
    $facts->{channels} = "$name";
} else {
    die "what is $verb?";
}

delete $facts->{petrel_xxh3}; # of the data as it was
my ($at, %new) = (0);
for (@names) {
    $new{$_} = {dtype => $header->{$_}{dtype}, shape => [map { $_ + 0 } @{$header->{$_}{shape}}], data_offsets => [$at, $at + length $bytes{$_}]};
    $at += length $bytes{$_};
}
$new{__metadata__} = $facts;
my $text = JSON::PP->new->canonical->encode(\%new);
$text .= ' ' x (-length($text) % 8);
open my $out, '>:raw', $to or die "$to: $!";
print $out pack('Q<', length $text), $text, map { $bytes{$_} } @names;
close $out or die "$to: $!";
