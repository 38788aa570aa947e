"""Sentences in German, French and Spanish, and whether the passages cited for them hold them.

Written by hand, in six fields, as `support_pairs` is; the false ones are mistakes models make.
"""

from __future__ import annotations

MUSEUM_DE = (
    "Das Bergbaumuseum ist von April bis Oktober täglich von 9.30 bis 17 Uhr geöffnet, im Winter "
    "bleibt es montags geschlossen. Erwachsene zahlen 8,50 Euro, Kinder unter sechs Jahren haben "
    "freien Eintritt. Der Förderturm ist 71,4 Meter hoch und wurde 1912 von Karl Hoffmann gebaut. "
    "Hunde sind in den Stollen nicht erlaubt."
)
FIRM_DE = (
    "Der Umsatz der Brenner AG ist 2023 um 4,2 Prozent auf 1.275.000 Euro gestiegen, während der "
    "Gewinn auf 96.400 Euro gefallen ist. Das Unternehmen beschäftigt zweihundertvierzig "
    "Mitarbeiter in Linz und Passau. Seit Juni leitet Petra Vogt den Vertrieb, ihr Vorgänger war "
    "Jens Albrecht."
)
CLINIC_DE = (
    "Erwachsene nehmen dreimal täglich eine Tablette zu 400 mg vor den Mahlzeiten ein. Die "
    "Behandlung dauert sieben Tage. Bei einer Allergie gegen Nüsse ist das Mittel verboten. "
    "Häufige Nebenwirkungen sind Müdigkeit und Kopfschmerzen. Die Studie umfasste 1.350 Patienten."
)
SOFTWARE_DE = (
    "Der Dienst speichert Protokolle neunzig Tage lang, danach werden sie gelöscht. Eine Sitzung "
    "endet nach fünfzehn Minuten ohne Eingabe. Der Export enthält Anhänge, aber keine Kommentare. "
    "Das Kennwort muss mindestens zwölf Zeichen lang sein. Ab Version 3.2 wird SQLite verwendet."
)
TRAIL_DE = (
    "Der Rundweg beginnt am Bahnhof Altenau, ist 12,8 Kilometer lang und führt über 640 "
    "Höhenmeter. Die Hütte liegt auf 1.480 m und ist mit dem Auto nicht erreichbar. "
    "Im zweiten Stock befinden "
    "sich achtundzwanzig Betten. Das Frühstück ist im Preis enthalten, Bettwäsche kostet 6 Euro."
)
COUNCIL_DE = (
    "Der Gemeinderat hat den Bau der Brücke mit siebzehn zu neun Stimmen abgelehnt. Die Kosten "
    "werden auf 2,4 Millionen Euro geschätzt. Bürgermeisterin Anna Reiter sprach sich für den "
    "Entwurf aus. Die nächste Sitzung findet am 14. März um 19 Uhr im Rathaus statt."
)
MUSEUM_FR = (
    "Le musée de la Mine est ouvert tous les jours de 9 h 30 à 17 h, sauf le lundi en hiver. "
    "L'entrée coûte 8,50 euros ; elle est gratuite pour les enfants de moins de six ans. La tour, "
    "haute de 71,4 mètres, a été construite en 1912 par Charles Aubert. Les chiens ne sont pas "
    "admis dans les galeries."
)
FIRM_FR = (
    "En 2023, le chiffre d'affaires de la société Brenner a augmenté de 4,2 % pour atteindre "
    "1 275 000 euros, tandis que le bénéfice a baissé à 96 400 euros. L'entreprise emploie deux "
    "cent quarante salariés à Nantes et à Rennes. Depuis juin, Claire Moreau dirige les ventes."
)
CLINIC_FR = (
    "Les adultes prennent un comprimé de 400 mg trois fois par jour avant les repas. Le traitement "
    "dure sept jours. Le médicament est interdit en cas d'allergie aux noix. Les effets "
    "secondaires fréquents sont la fatigue et les maux de tête. L'étude a porté sur 1 350 patients."
)
SOFTWARE_FR = (
    "Le service conserve les journaux pendant quatre-vingt-dix jours, puis les supprime. Une "
    "session expire après quinze minutes sans saisie. L'export comprend les pièces jointes mais "
    "pas les commentaires. Le mot de passe doit comporter au moins douze caractères."
)
TRAIL_FR = (
    "Le sentier part de la gare d'Annecy et mesure 12,8 kilomètres. Le refuge, à 1 480 m, n'est "
    "pas accessible en voiture. Le deuxième étage compte vingt-huit lits. Le petit déjeuner est "
    "compris dans le prix ; les draps coûtent six euros."
)
COUNCIL_FR = (
    "Le conseil municipal a rejeté la construction du pont par dix-sept voix contre neuf. Le coût "
    "est estimé à 2,4 millions d'euros. La prochaine séance aura lieu le 14 mars à la mairie."
)
MUSEUM_ES = (
    "El Museo de la Mina abre todos los días de 9:30 a 17:00, salvo los lunes en invierno. La "
    "entrada cuesta 8,50 euros y es gratuita para los niños menores de seis años. La torre, de "
    "71,4 metros de altura, fue construida en 1912 por Carlos Ibáñez. No se admiten perros en las "
    "galerías."
)
FIRM_ES = (
    "En 2023 las ventas de la empresa Brenner aumentaron un 4,2 % hasta 1.275.000 euros, mientras "
    "que el beneficio bajó a 96.400 euros. La empresa tiene doscientos cuarenta empleados en "
    "Murcia y Cádiz. Desde junio, Elena Prieto dirige el departamento de ventas."
)
CLINIC_ES = (
    "Los adultos toman un comprimido de 400 mg tres veces al día antes de las comidas. El "
    "tratamiento dura siete días. El medicamento está prohibido en caso de alergia a las nueces. "
    "Los efectos secundarios frecuentes son el cansancio y el dolor de cabeza. El estudio incluyó "
    "a 1.350 pacientes."
)
SOFTWARE_ES = (
    "El servicio guarda los registros durante noventa días y después los borra. Una sesión caduca "
    "tras quince minutos sin actividad. La exportación incluye los archivos adjuntos, pero no los "
    "comentarios. La contraseña debe tener al menos doce caracteres."
)
TRAIL_ES = (
    "El sendero empieza en la estación de Cercedilla y mide 12,8 kilómetros. El refugio está a "
    "1.480 m y no es accesible en coche. La segunda planta tiene veintiocho camas. El desayuno "
    "está incluido en el precio; las sábanas cuestan seis euros."
)
COUNCIL_ES = (
    "El ayuntamiento rechazó la construcción del puente por diecisiete votos contra nueve. El "
    "coste se estima en 2,4 millones de euros. La próxima sesión será el 14 de marzo."
)

TRUE = {
    "de": [
        ("Der Eintritt kostet für Erwachsene 8,5 Euro.", MUSEUM_DE),
        ("Kinder, die jünger als 6 Jahre sind, haben freien Eintritt.", MUSEUM_DE),
        ("Karl Hoffmann baute 1912 den 71,4 m hohen Förderturm.", MUSEUM_DE),
        ("In die Stollen dürfen Hunde nicht mitgenommen werden.", MUSEUM_DE),
        ("Die Umsätze der Brenner AG sind 2023 um 4,2 % gestiegen.", FIRM_DE),
        ("Der Umsatz erreichte 1,275 Millionen Euro.", FIRM_DE),
        ("Die Firma hat 240 Mitarbeiter in Linz und Passau.", FIRM_DE),
        ("Die Behandlung dauert 7 Tage.", CLINIC_DE),
        ("An der Studie nahmen 1350 Patienten teil.", CLINIC_DE),
        ("Bei Allergie gegen Nüsse darf das Mittel nicht genommen werden.", CLINIC_DE),
        ("Der Dienst löscht die Protokolle nach 90 Tagen.", SOFTWARE_DE),
        ("Nach 15 Minuten ohne Eingabe endet die Sitzung.", SOFTWARE_DE),
        ("Das Passwort muss aus mindestens 12 Zeichen bestehen.", SOFTWARE_DE),
        ("Die Länge des Rundwegs beträgt 12,8 km.", TRAIL_DE),
        ("Mit dem Auto ist die Hütte nicht zu erreichen.", TRAIL_DE),
        ("Im 2. Stock gibt es 28 Betten.", TRAIL_DE),
        ("Im Preis ist das Frühstück enthalten.", TRAIL_DE),
        ("Der Gemeinderat lehnte den Bau der Brücke mit 17 zu 9 Stimmen ab.", COUNCIL_DE),
        ("Für die Brücke werden Kosten von 2.400.000 Euro geschätzt.", COUNCIL_DE),
        ("Der Rat tagt das nächste Mal am 14. März um 19 Uhr im Rathaus.", COUNCIL_DE),
    ],
    "fr": [
        ("Le prix d'entrée est de 8,5 euros.", MUSEUM_FR),
        ("L'entrée est gratuite pour les enfants de moins de 6 ans.", MUSEUM_FR),
        ("Charles Aubert a construit en 1912 la tour de 71,4 mètres.", MUSEUM_FR),
        ("Les chiens ne peuvent pas entrer dans les galeries.", MUSEUM_FR),
        ("Le chiffre d'affaires de Brenner a atteint 1.275.000 euros en 2023.", FIRM_FR),
        ("Brenner compte 240 salariés à Nantes et à Rennes.", FIRM_FR),
        ("Le chiffre d'affaires a augmenté de 4,2 pour cent.", FIRM_FR),
        ("La durée du traitement est de 7 jours.", CLINIC_FR),
        ("L'étude comprenait 1350 patients.", CLINIC_FR),
        ("Les adultes prennent 3 fois par jour un comprimé de 400 mg.", CLINIC_FR),
        ("Les journaux sont conservés 90 jours par le service.", SOFTWARE_FR),
        ("La session expire après 15 minutes sans saisie.", SOFTWARE_FR),
        ("Le mot de passe compte au moins 12 caractères.", SOFTWARE_FR),
        ("Le sentier fait 12,8 km et part de la gare d'Annecy.", TRAIL_FR),
        ("On ne peut pas accéder au refuge en voiture.", TRAIL_FR),
        ("Il y a 28 lits au 2e étage.", TRAIL_FR),
        ("Les draps coûtent 6 euros.", TRAIL_FR),
        ("Le conseil municipal a rejeté le pont par 17 voix contre 9.", COUNCIL_FR),
        ("Le coût du pont est estimé à 2 400 000 euros.", COUNCIL_FR),
        ("La séance suivante se tiendra le 14 mars à la mairie.", COUNCIL_FR),
    ],
    "es": [
        ("El precio de la entrada es de 8,5 euros.", MUSEUM_ES),
        ("Los niños de menos de 6 años tienen entrada gratuita.", MUSEUM_ES),
        ("Carlos Ibáñez construyó en 1912 la torre de 71,4 metros.", MUSEUM_ES),
        ("Los perros no pueden entrar en las galerías.", MUSEUM_ES),
        ("Las ventas de Brenner alcanzaron 1 275 000 euros en 2023.", FIRM_ES),
        ("Brenner tiene 240 empleados en Murcia y Cádiz.", FIRM_ES),
        ("Las ventas aumentaron un 4,2 por ciento.", FIRM_ES),
        ("La duración del tratamiento es de 7 días.", CLINIC_ES),
        ("En el estudio participaron 1350 pacientes.", CLINIC_ES),
        ("Los adultos toman 3 veces al día un comprimido de 400 mg.", CLINIC_ES),
        ("El servicio borra los registros después de 90 días.", SOFTWARE_ES),
        ("La sesión caduca tras 15 minutos sin actividad.", SOFTWARE_ES),
        ("La contraseña debe tener 12 caracteres como mínimo.", SOFTWARE_ES),
        ("El sendero mide 12,8 km y empieza en la estación de Cercedilla.", TRAIL_ES),
        ("No se puede llegar al refugio en coche.", TRAIL_ES),
        ("Hay 28 camas en la segunda planta.", TRAIL_ES),
        ("Las sábanas cuestan 6 euros.", TRAIL_ES),
        ("El ayuntamiento rechazó el puente por 17 votos contra 9.", COUNCIL_ES),
        ("El coste del puente se estima en 2.400.000 euros.", COUNCIL_ES),
        ("La siguiente sesión tendrá lugar el 14 de marzo.", COUNCIL_ES),
    ],
}
FALSE = {
    "de": [
        ("Erwachsene zahlen 8,20 Euro Eintritt.", MUSEUM_DE),
        ("Kinder unter acht Jahren haben freien Eintritt.", MUSEUM_DE),
        ("Der Förderturm wurde 1912 von Otto Hoffmeister gebaut.", MUSEUM_DE),
        ("Hunde sind in den Stollen erlaubt.", MUSEUM_DE),
        ("Im Winter ist das Bergbaumuseum montags geöffnet.", MUSEUM_DE),
        ("Der Umsatz der Brenner AG ist 2023 um 4,2 Prozent gefallen.", FIRM_DE),
        ("Der Gewinn betrug 69.400 Euro.", FIRM_DE),
        ("Das Unternehmen beschäftigt 420 Mitarbeiter in Linz und Passau.", FIRM_DE),
        ("Seit Juni leitet Petra Lang den Vertrieb.", FIRM_DE),
        ("Das Unternehmen beschäftigt 240 Mitarbeiter in Linz und Graz.", FIRM_DE),
        ("Die Behandlung dauert neun Tage.", CLINIC_DE),
        ("Die Tablette wird nach den Mahlzeiten eingenommen.", CLINIC_DE),
        ("Bei einer Allergie gegen Nüsse ist das Mittel erlaubt.", CLINIC_DE),
        ("Der Dienst speichert Protokolle neunzehn Tage lang.", SOFTWARE_DE),
        ("Der Export enthält Anhänge und Kommentare.", SOFTWARE_DE),
        ("Der Rundweg ist 18,2 Kilometer lang.", TRAIL_DE),
        ("Die Hütte ist mit dem Auto erreichbar.", TRAIL_DE),
        ("Im dritten Stock befinden sich achtundzwanzig Betten.", TRAIL_DE),
        ("Der Gemeinderat hat den Bau der Brücke angenommen.", COUNCIL_DE),
        ("Die Kosten werden auf 4,2 Millionen Euro geschätzt.", COUNCIL_DE),
        ("Die Bürgermeisterin heißt Maria Brandl.", COUNCIL_DE),
    ],
    "fr": [
        ("L'entrée coûte 5,80 euros.", MUSEUM_FR),
        ("L'entrée est gratuite pour les enfants de moins de huit ans.", MUSEUM_FR),
        ("La tour a été construite en 1912 par Louis Delmas.", MUSEUM_FR),
        ("Les chiens sont admis dans les galeries.", MUSEUM_FR),
        ("Le musée de la Mine est fermé tous les jours de 9 h 30 à 17 h.", MUSEUM_FR),
        ("Le chiffre d'affaires de Brenner a baissé de 4,2 % en 2023.", FIRM_FR),
        ("Le bénéfice s'élève à 69 400 euros.", FIRM_FR),
        ("L'entreprise emploie 420 salariés à Nantes et à Rennes.", FIRM_FR),
        ("L'entreprise emploie 240 salariés à Nantes et à Lille.", FIRM_FR),
        ("Depuis juin, Julie Moreau dirige les ventes.", FIRM_FR),
        ("Le traitement dure neuf jours.", CLINIC_FR),
        ("Les adultes prennent le comprimé après les repas.", CLINIC_FR),
        ("Le médicament est autorisé en cas d'allergie aux noix.", CLINIC_FR),
        ("Le service conserve les journaux pendant soixante-dix jours.", SOFTWARE_FR),
        ("Une session expire après cinquante minutes sans saisie.", SOFTWARE_FR),
        ("Le sentier mesure 18,2 kilomètres.", TRAIL_FR),
        ("Le refuge est accessible en voiture.", TRAIL_FR),
        ("Le troisième étage compte vingt-huit lits.", TRAIL_FR),
        ("Le conseil municipal a accepté la construction du pont.", COUNCIL_FR),
        ("Le coût est estimé à 4,2 millions d'euros.", COUNCIL_FR),
        ("La prochaine séance aura lieu le 14 mai à la mairie.", COUNCIL_FR),
    ],
    "es": [
        ("La entrada cuesta 5,80 euros.", MUSEUM_ES),
        ("La entrada es gratuita para los niños menores de ocho años.", MUSEUM_ES),
        ("La torre fue construida en 1912 por Luis Delgado.", MUSEUM_ES),
        ("Se admiten perros en las galerías.", MUSEUM_ES),
        ("El Museo de la Mina cierra todos los días de 9:30 a 17:00.", MUSEUM_ES),
        ("Las ventas de Brenner bajaron un 4,2 % en 2023.", FIRM_ES),
        ("El beneficio fue de 69.400 euros.", FIRM_ES),
        ("La empresa tiene 420 empleados en Murcia y Cádiz.", FIRM_ES),
        ("La empresa tiene 240 empleados en Murcia y Burgos.", FIRM_ES),
        ("Desde junio, Lucía Prieto dirige el departamento de ventas.", FIRM_ES),
        ("El tratamiento dura nueve días.", CLINIC_ES),
        ("Los adultos toman el comprimido después de las comidas.", CLINIC_ES),
        ("El medicamento está permitido en caso de alergia a las nueces.", CLINIC_ES),
        ("El servicio guarda los registros durante setenta días.", SOFTWARE_ES),
        ("Una sesión caduca tras cincuenta minutos sin actividad.", SOFTWARE_ES),
        ("El sendero mide 18,2 kilómetros.", TRAIL_ES),
        ("El refugio es accesible en coche.", TRAIL_ES),
        ("La tercera planta tiene veintiocho camas.", TRAIL_ES),
        ("El ayuntamiento aceptó la construcción del puente.", COUNCIL_ES),
        ("El coste se estima en 4,2 millones de euros.", COUNCIL_ES),
        ("La próxima sesión será el 14 de mayo.", COUNCIL_ES),
    ],
}
